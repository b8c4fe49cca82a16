"""Translation of exceptions without an error answer: credentials, network, validation."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from http.client import HTTPException
from typing import TypeVar
from urllib.parse import urlsplit

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from urllib3 import exceptions as http

from core import errors
from core.aws.actions import action_of
from core.aws.answers import BadAnswerError
from core.aws.proxy_errors import REMEDY, is_dns_failure, is_of_proxy, proxy_cause
from core.errors import StorageError
from core.hints import NO_HINTS, Hint
from core.redaction import redacted

_T = TypeVar("_T")

#: Names of parameters in botocore's validation report. The values are never read.
_PARAMETER = re.compile(
    r"(?:for parameter |required parameter in \w+: \"|Unknown parameter in \w+: \"|Invalid )"
    r"(bucket name|[A-Za-z][\w.\[\]]*)"
)
_NOT_NAMES = frozenset({"type", "length", "range", "or"})

_SIGN_IN = (
    boto.SSOError,
    boto.LoginError,
    boto.TokenRetrievalError,
    boto.NoAuthTokenError,
)
_MISSING = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.MetadataRetrievalError,
    boto.ProfileNotFound,
    boto.ConfigNotFound,
    boto.ConfigParseError,
    boto.UnknownCredentialError,
    boto.InfiniteLoopConfigError,
    boto.InvalidConfigError,
    boto.RefreshWithMFAUnsupportedError,
    boto.MissingDependencyException,
)
_ADDRESS = (
    boto.NoRegionError,
    boto.InvalidRegionError,
    boto.UnknownEndpointError,
    boto.EndpointProviderError,
    boto.InvalidEndpointConfigurationError,
    boto.InvalidIMDSEndpointError,
    boto.InvalidProxiesConfigError,
)
_SETTINGS = (
    boto.InvalidDefaultsMode,
    boto.InvalidS3UsEast1RegionalEndpointConfigError,
    boto.InvalidSTSRegionalEndpointsConfigError,
    boto.InvalidS3AddressingStyleError,
    boto.UnsupportedS3ConfigurationError,
    boto.InvalidIMDSEndpointModeError,
    boto.InvalidRetryConfigurationError,
    boto.InvalidChecksumConfigError,
    boto.InvalidEndpointDiscoveryConfigurationError,
)
_DAMAGED = (boto.ChecksumError, boto.FlexibleChecksumError)
_CUT = (
    boto.ConnectionClosedError,
    boto.IncompleteReadError,
    boto.ResponseStreamingError,
    http.ProtocolError,
    http.IncompleteRead,
)
#: Exceptions of opening a file. OSError would also include refused connections.
_UNREADABLE = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
_SIGN_INS: tuple[tuple[type[Exception], str], ...] = (
    (boto.LoginError, "Run `aws login` for this profile in a terminal, then try again."),
    (Exception, "Run `aws sso login` for this profile in a terminal, then try again."),
)
_CONFIGURATION = (
    "Correct the AWS_* variable, or the AWS configuration file (~/.aws/config, or the file in "
    "AWS_CONFIG_FILE)."
)
_ANY_SOURCE = (
    "Choose another credential source in the profile, or set up this one: keys in the keyring, an "
    "AWS profile, AWS_* variables, or a role of this machine."
)
_SOURCES: tuple[tuple[type[Exception], str], ...] = (
    (boto.ProfileNotFound, "Choose an AWS profile that exists: `aws configure list-profiles`."),
    (boto.PartialCredentialsError, "Set both the access key id and the secret key."),
    (
        boto.MetadataRetrievalError,
        "Attach a role to this machine, or choose another credential source.",
    ),
    (
        boto.CredentialRetrievalError,
        "Run the credential program or the sign-in in a terminal to see why it fails.",
    ),
    (boto.RefreshWithMFAUnsupportedError, "Sign in again with a new MFA code."),
    (boto.ConfigNotFound, _CONFIGURATION),
    (boto.ConfigParseError, _CONFIGURATION),
    (boto.UnknownCredentialError, _CONFIGURATION),
    (boto.InfiniteLoopConfigError, _CONFIGURATION),
    (boto.InvalidConfigError, _CONFIGURATION),
    (Exception, _ANY_SOURCE),
)
_REGION = "Correct the region in the profile or in AWS_REGION."
_ADDRESSES: tuple[tuple[type[Exception], str], ...] = (
    (boto.NoRegionError, "No region is set"),
    (boto.InvalidRegionError, "The region is not valid"),
    (boto.InvalidIMDSEndpointError, "The address of the metadata service is not valid"),
    (boto.InvalidProxiesConfigError, "The proxy settings are not valid"),
    (Exception, "The endpoint is not valid"),
)
_ADDRESS_REMEDIES: tuple[tuple[type[Exception], str], ...] = (
    (boto.NoRegionError, "Set the region in the profile or in AWS_REGION."),
    (boto.InvalidRegionError, _REGION),
    (boto.UnknownEndpointError, "The service is not offered in this region. " + _REGION),
    (boto.InvalidIMDSEndpointError, "Correct AWS_EC2_METADATA_SERVICE_ENDPOINT."),
    (boto.InvalidProxiesConfigError, "Correct HTTPS_PROXY and HTTP_PROXY."),
    (Exception, "Correct the endpoint in the profile or in AWS_ENDPOINT_URL."),
)
_ADDRESS_HINTS: tuple[tuple[type[Exception], Hint], ...] = (
    (boto.NoRegionError, Hint.REGION),
    (boto.InvalidRegionError, Hint.REGION),
    (boto.UnknownEndpointError, Hint.REGION),
    (boto.InvalidIMDSEndpointError, NO_HINTS),
    (boto.InvalidProxiesConfigError, NO_HINTS),
    (Exception, Hint.ENDPOINT),
)
_SLOW = (boto.ConnectTimeoutError, boto.ReadTimeoutError, http.TimeoutError)


def translate_other(error: Exception, operation: str, subject: str) -> StorageError | None:
    """Translate an AWS or network exception to a `StorageError`; return None for any other."""
    for kinds, build in _BUILDERS:
        if isinstance(error, kinds):
            made = build(error, subject)
            made.action = action_of(operation)
            return made
    return None


def _chosen(table: tuple[tuple[type[Exception], _T], ...], error: Exception) -> _T:
    """Return the entry of the first class that matches; the last row matches every error."""
    return next(entry for kind, entry in table if isinstance(error, kind))


def _invalid(error: Exception, subject: str) -> StorageError:
    found = [name for name in _PARAMETER.findall(str(error)) if name not in _NOT_NAMES]
    names = ", ".join(dict.fromkeys(found)) or "a value"
    _forget_value(error)
    return errors.InvalidInput(
        f"Invalid input: {names}",
        cause="The value has the wrong type, length or form. It is not shown because it may be "
        "secret.",
        remedy="Correct the value and try again.",
        effect="Nothing was sent.",
        subject=subject,
    )


def _forget_value(error: Exception) -> None:
    """Remove the refused value from botocore's exception: tracebacks would print it."""
    error.args = ("(withheld)",)
    if isinstance(error, boto.BotoCoreError):
        error.kwargs = {}


def _sign_in(error: Exception, subject: str) -> StorageError:
    return errors.CredentialsExpired(
        "Your sign-in has expired",
        cause="The AWS profile needs a new single sign-on session.",
        remedy=_chosen(_SIGN_INS, error),
        subject=subject,
        details=_text(error),
    )


def _missing(error: Exception, subject: str) -> StorageError:
    return errors.CredentialsMissing(
        "No usable AWS credentials",
        cause=_text(error),
        remedy=_chosen(_SOURCES, error),
        subject=subject,
    )


def _address(error: Exception, subject: str) -> StorageError:
    return errors.InvalidInput(
        _chosen(_ADDRESSES, error),
        cause=_text(error),
        remedy=_chosen(_ADDRESS_REMEDIES, error),
        hints=_chosen(_ADDRESS_HINTS, error),
        subject=subject,
    )


def _setting(error: Exception, subject: str) -> StorageError:
    return errors.InvalidInput(
        "A setting for the AWS library is not valid",
        cause=_text(error),
        remedy=_CONFIGURATION,
        effect="Nothing was sent.",
        subject=subject,
    )


def _damaged(error: Exception, subject: str) -> StorageError:
    return errors.Corrupt(
        "The data was damaged in transit",
        cause="The checksum of the received data differs from the one that S3 stores.",
        remedy="Try again. If it happens again, the stored object is damaged: use an older "
        "version.",
        subject=subject,
        details=_text(error),
    )


def _unparsable(error: Exception, subject: str) -> StorageError:
    return errors.NotAnS3Answer(
        "This is not an S3 answer",
        cause="The answer does not have the form of S3: it may come from a sign-in page of the "
        "network, a proxy, or a server that is not S3.",
        remedy="Check the network, the proxy settings and the endpoint of the profile.",
        subject=subject,
        details=type(error).__name__,
    )


def _bad_answer(error: Exception, subject: str) -> StorageError:
    assert isinstance(error, BadAnswerError)
    if error.proxy:
        return _proxy(error, subject)
    if error.unsupported:
        made: StorageError = errors.NotSupported(
            "The server does not support this operation",
            cause="It answered a different request than the one that was sent.",
            remedy="Use a server that supports it. All other functions work without it.",
            subject=subject,
        )
    elif error.final:
        made = _unparsable(error, subject)
    else:
        made = errors.NotAnS3Answer(
            "The answer is incomplete",
            cause=f"The answer was rejected: {error.what}.",
            remedy="Try again. If it happens again, check the network, the proxy settings and the "
            "endpoint of the profile.",
            subject=subject,
        )
    made.details = error.what
    return made


def _place(error: Exception) -> str:
    """Return the endpoint as the prefix of a message, without path and query."""
    url = getattr(error, "kwargs", {}).get("endpoint_url") or ""
    parts = urlsplit(str(url))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}: " if parts.netloc else ""


def _offline(cause: str, remedy: str) -> Callable[[Exception, str], StorageError]:
    def build(error: Exception, subject: str) -> StorageError:
        return errors.Offline(
            "The endpoint cannot be reached",
            cause=f"{_place(error)}{cause}",
            remedy=remedy,
            subject=subject,
            details=_text(error),
        )

    return build


_dns = _offline(
    "The host name of the endpoint cannot be resolved (DNS).",
    "Check the network connection and the spelling of endpoint and region.",
)
_refused = _offline(
    "No server listens at the endpoint, or the network refuses the connection.",
    "Check the network connection, the endpoint of the profile, and whether the server is running.",
)
_tls = _offline(
    "The endpoint's certificate is not trusted, or it does not speak TLS at all.",
    "Check whether the endpoint should begin with http://. Behind a company proxy, set "
    "AWS_CA_BUNDLE to the certificate file of the proxy. Certificate errors are never ignored.",
)


def _proxy(error: Exception, subject: str) -> StorageError:
    url = str(getattr(error, "kwargs", {}).get("proxy_url") or "")
    return _offline(proxy_cause(_chain(error), url), REMEDY)(error, subject)


def _tls_failure(error: Exception, subject: str) -> StorageError:
    """Distinguish an unreadable file of certificates from an untrusted certificate."""
    chain = _chain(error)
    unreadable = [link.strerror for link in chain if isinstance(link, _UNREADABLE)]
    # A file without certificates is no OSError: OpenSSL reports it with this code.
    if any("NO_CERTIFICATE_OR_CRL_FOUND" in str(link) for link in chain):
        unreadable = ["It contains no certificate"]
    if not unreadable:
        return _tls(error, subject)
    variable = os.environ.get("AWS_CA_BUNDLE", "")
    named = "AWS_CA_BUNDLE" if variable else "ca_bundle in AWS's configuration file"
    return errors.LocalIOError(
        f"The file of trusted certificates cannot be read{variable and f': {variable}'}",
        cause=f"{named} names it. {unreadable[0]}.",
        remedy="Correct the path or the file's permissions.",
        effect="Nothing was sent.",
        subject=variable or subject,
    )


_slow = _offline(
    "The endpoint did not answer in time.",
    "Try again; check the network connection, VPN and firewall.",
)
_cut = _offline(
    "The connection was interrupted.",
    "Try again. Transfers continue where they stopped.",
)


def _connection(error: Exception, subject: str) -> StorageError:
    if any(isinstance(link, http.InvalidHeader | HTTPException) for link in _chain(error)):
        return _unparsable(error, subject)
    if is_of_proxy(_chain(error)):
        return _proxy(error, subject)
    if is_dns_failure(_chain(error)):
        return _dns(error, subject)
    return _refused(error, subject)


def _chain(error: BaseException | None) -> list[BaseException]:
    links: list[BaseException] = []
    # Causes and contexts may form a circle.
    while error is not None and error not in links:
        links.append(error)
        inner = getattr(error, "kwargs", {}).get("error") if hasattr(error, "kwargs") else None
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
    return links


def _unknown(error: Exception, subject: str) -> StorageError:
    return errors.ServiceError(
        "The AWS library failed",
        cause=_text(error),
        remedy="Try again. If the error persists, report it with the details.",
        subject=subject,
        details=type(error).__name__,
    )


def _text(error: Exception) -> str:
    return redacted(str(error)).strip()


_Builder = Callable[[Exception, str], StorageError]

#: The first matching row is used, so subclasses are listed before their parents.
_BUILDERS: tuple[tuple[tuple[type[Exception], ...], _Builder], ...] = (
    (_ADDRESS, _address),
    ((boto.ParamValidationError, boto.ValidationError), _invalid),
    (_SIGN_IN, _sign_in),
    (_MISSING, _missing),
    (_SETTINGS, _setting),
    (_DAMAGED, _damaged),
    ((BadAnswerError,), _bad_answer),
    ((ResponseParserError,), _unparsable),
    ((boto.ProxyConnectionError,), _proxy),
    ((boto.SSLError, http.SSLError), _tls_failure),
    (_SLOW, _slow),
    (_CUT, _cut),
    ((boto.EndpointConnectionError, boto.HTTPClientError, http.HTTPError), _connection),
    ((boto.BotoCoreError,), _unknown),
)
