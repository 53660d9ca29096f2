"""What the people and programs that run a server ask it: is it ready, what has it counted, who is there."""
