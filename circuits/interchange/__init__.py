"""Files of other tools, read as they are: device and wire tables, cell files, configurations."""
