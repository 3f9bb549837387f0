"""Atari games by ale-py's own ROMs, prepared as usual, in one thread and without OpenCV.

Each action lasts 4 frames; the last two are merged by their maximum (sprites flicker), taken in grey, averaged down
from 210 x 160 to 84 x 84, and the last 4 such pictures are the observation; rewards are clipped to their sign. Episodes
begin with up to 30 idle frames, and with FIRE where a game waits for it. As Mnih et al., Nature 518, 2015 (methods).
"""

from typing import Any

import ale_py
import numpy as np
from ale_py import roms

from workloads.rl.environments import RUNNING, TERMINATED, TRUNCATED, Shape

SKIP, STACK, SIDE = 4, 4, 84
IDLE_FRAMES = 30
EPISODE_FRAMES = 108_000  # 30 minutes of play


def averaging(size: int, wanted: int) -> np.ndarray:
    """Return the matrix, wanted x size, that averages `size` pixels down to `wanted` by the area that each covers."""
    step = size / wanted
    low = np.arange(wanted)[:, None] * step
    pixel = np.arange(size)[None, :]
    covered = np.minimum(low + step, pixel + 1) - np.maximum(low, pixel)
    return (np.clip(covered, 0, None) / step).astype(np.float32)


class Atari:
    """One game.

    Args:
        game: a ROM's name, such as `pong`.
        seed: of the emulator and of the idle frames.
        repeat_action_probability: that the emulator repeats the last action instead (sticky actions).
        full_action_space: all 18 actions, not only those the game knows.
        other: what ids of Gymnasium hold beside; frame skips and forms of observation are ours.
    """

    def __init__(
        self,
        game: str,
        seed: int,
        repeat_action_probability: float = 0.0,
        full_action_space: bool = False,
        mode: int | None = None,
        difficulty: int | None = None,
        **other: Any,  # noqa: ARG002
    ) -> None:
        ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
        self.ale = ale_py.ALEInterface()
        self.ale.setFloat("repeat_action_probability", repeat_action_probability)
        self.ale.setInt("max_num_frames_per_episode", EPISODE_FRAMES)
        self.ale.setInt("random_seed", seed & 0x7FFFFFFF)
        self.ale.loadROM(str(roms.get_rom_path(game)))
        if mode is not None:
            self.ale.setMode(mode)
        if difficulty is not None:
            self.ale.setDifficulty(difficulty)
        self._actions = self.ale.getLegalActionSet() if full_action_space else self.ale.getMinimalActionSet()
        self.shape = Shape((STACK, SIDE, SIDE), "uint8", len(self._actions), SKIP)
        self.episode_return, self.episode_length = 0.0, 0
        self._return, self._length = 0.0, 0
        height, width = self.ale.getScreenDims()
        self._screens = np.empty((2, height, width), np.uint8)
        self._grey = np.empty((height, width), np.float32)
        self._rows, self._columns = averaging(height, SIDE), np.ascontiguousarray(averaging(width, SIDE).T)
        self._half, self._small = np.empty((SIDE, width), np.float32), np.empty((SIDE, SIDE), np.float32)
        self._random = np.random.default_rng(seed)

    def begin(self, out: np.ndarray) -> None:
        """Begin the first episode and write its first observation to `out`, uint8 4 x 84 x 84, newest last."""
        self.ale.reset_game()
        for _ in range(int(self._random.integers(IDLE_FRAMES + 1))):
            self.ale.act(ale_py.Action.NOOP)
            if self.ale.game_over():
                self.ale.reset_game()
        if ale_py.Action.FIRE in self._actions:
            self.ale.act(ale_py.Action.FIRE)
        self.ale.getScreenGrayscale(self._screens[1])
        self._screens[0] = self._screens[1]
        out[:-1] = 0
        self._picture(out[-1])

    def step(self, action: int, out: np.ndarray) -> tuple[float, int]:
        move, won = self._actions[action], 0
        for number in range(SKIP):
            won += self.ale.act(move)
            if number == SKIP - 2:
                self.ale.getScreenGrayscale(self._screens[0])
        self.ale.getScreenGrayscale(self._screens[1])
        self._return += won
        self._length += 1
        reward = float(np.sign(won))
        if not self.ale.game_over():
            out[:-1] = out[1:]
            self._picture(out[-1])
            return reward, RUNNING
        cut = self.ale.game_truncated()
        self.episode_return, self.episode_length = self._return, self._length
        self._return, self._length = 0.0, 0
        self.begin(out)
        return reward, TRUNCATED if cut else TERMINATED

    def _picture(self, out: np.ndarray) -> None:
        """Write the last two screens' maximum, averaged down and rounded, to `out`, uint8 84 x 84."""
        np.maximum(self._screens[0], self._screens[1], out=self._grey)
        np.matmul(self._rows, self._grey, out=self._half)
        np.matmul(self._half, self._columns, out=self._small)
        np.rint(self._small, out=self._small)
        np.copyto(out, self._small, casting="unsafe")
