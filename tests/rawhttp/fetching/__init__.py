"""What a fetcher of web pages has to stand: a server that plays scripts, and what each must lead to."""
