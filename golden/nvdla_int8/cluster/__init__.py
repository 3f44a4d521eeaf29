"""Work of a command on many processes and machines, by Dask: the same results as on one."""
