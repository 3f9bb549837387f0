"""Banks of mats of subarrays, evaluated at any organisation, under a named set of assumptions.

The equations are the public ones of the array models everyone calibrates against (CACTI, NVSim); what those models
assume stands in `assumptions/*.yaml`, as data that a study can vary.
"""
