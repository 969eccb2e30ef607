"""What a control call says when it can't be done; ValueError is for what makes no sense."""


class UnknownError(LookupError):
    """What a control call names is not there."""
