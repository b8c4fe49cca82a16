"""Every error survives pickling and has a distinct kind, which is its exit code."""

import pickle

from core import errors
from core.errors import AccessDenied, Cancelled, ErrorKind, StorageError


def test_every_error_crosses_a_pipe_complete():
    error = AccessDenied(
        "Access denied to S3 bucket",
        cause="s3:ListBucket is missing",
        remedy="Ask an admin",
        subject="s3://tentimecrypto",
        action="s3:ListBucket",
    )
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is AccessDenied
    assert vars(back) == vars(error)
    assert str(back) == str(error)
    assert "Ask an admin" in str(back)


def test_kinds_are_distinct_exit_codes_that_a_shell_can_carry():
    codes = [kind.value for kind in ErrorKind]
    assert len(set(codes)) == len(codes)
    assert all(0 < code < 256 for code in codes)


def test_every_subclass_has_its_own_kind_and_a_docstring():
    family = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, StorageError) and value is not StorageError
    ]
    assert len(family) > 20
    assert all(cls.__doc__ for cls in errors.DATABASE_SERVER_ERRORS)
    family = [cls for cls in family if cls not in errors.DATABASE_SERVER_ERRORS]
    assert len({cls.kind for cls in family}) == len(family)
    assert all(cls.__doc__ for cls in family)


def test_retryable_follows_the_kind():
    assert StorageError("x", kind=ErrorKind.OFFLINE).retryable
    assert not Cancelled("x").retryable
