"""The sandbox host: an E2B-compatible server with isolated kernels, and the client that finds one."""
