"""Checks of the exercises: they try your answer and say what is missing, without stopping the notebook."""


def check(name, *claims):
    """Call each claim, a function without arguments that asserts something, and print the outcome.

    The outcome is `name: passed`, or `name: not yet - reason` for the first claim that fails. Never raises.
    """
    for claim in claims:
        try:
            claim()
        except Exception as error:
            print(f"{name}: not yet - {reason(error)}")
            return
    print(f"{name}: passed")


def reason(error):
    """Say what is wrong: the message of the error, and its kind too where the message alone would not be understood."""
    message = str(error)
    if isinstance(error, NotImplementedError):
        return message or "write the function in the cell above, then run both cells"
    if isinstance(error, AssertionError):
        return message or "the answer is not right"
    return f"{type(error).__name__}: {message}"
