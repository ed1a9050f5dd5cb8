"""What runs inside a sandbox: one small service that owns its files, its processes and its kernels."""
