"""What keeps the process from starting, said so that whoever starts it can mend it."""


class StartError(Exception):
    """The process can't start as it is set up.

    The text is all that is shown: a line for each thing that is wrong, which names the setting by
    its environment variable, says what is wrong with it and what to write. It holds no secret.
    """
