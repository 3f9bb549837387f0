"""The figures of an iso-capacity study, as SVG."""

from reports.figures.caches import cache_figures
from reports.figures.edp import edp_figures
from reports.figures.energy import energy_figures
from reports.figures.leakage import leakage_figures
from reports.figures.traffic import traffic_figures

__all__ = ["cache_figures", "edp_figures", "energy_figures", "leakage_figures", "traffic_figures"]
