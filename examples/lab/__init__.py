"""The same greeting server and client five times: docs/howto/lab.md tells what each gets wrong."""
