"""Options that several of the commands share."""

import click

NODE = click.option("--node", default="16nm", show_default=True,
                    help="45nm, 32nm, 22nm; 16nm, 14nm, 10nm, 7nm, 5nm, 3nm (FinFET); or a .yaml file.")  # fmt: skip
TEMPERATURE = click.option("--temperature", "temperature_K", type=float, default=350.0, show_default=True,
                           help="In kelvin, 300 to 400.")  # fmt: skip
LEAKAGE = click.option("--leakage", help="A leakage school of the node; by default the node's own default.")
CELLS = "sram, sram-hd, sram8t, stt, sot, reram, pcm, fefet, edram, gain, or a .yaml file."
