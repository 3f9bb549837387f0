"""From the results of a study to tables, figures and a typeset document."""
