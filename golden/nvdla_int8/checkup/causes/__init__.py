"""The catalogue of causes, a module for each family or part of one."""
