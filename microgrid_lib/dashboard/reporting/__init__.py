"""Reports on the page: making one beside the kernel, and taking those that were made."""
