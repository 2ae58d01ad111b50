"""Studies: methods x protocols x folds x seeds as independent cells; see docs/studies.md."""
