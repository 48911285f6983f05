"""The roles that a pod can take, each started as `python -m aif_runtime.roles.ROLE`."""
