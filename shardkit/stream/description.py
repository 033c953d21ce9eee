"""temporary"""


class Description: ...


def described(*a): ...
