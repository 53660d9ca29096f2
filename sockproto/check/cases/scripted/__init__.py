"""The cases of scripts, a group a file: what is judged of any protocol of which a file says what is due.

Those that fit the other protocols too stand among theirs.
"""
