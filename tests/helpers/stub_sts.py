"""An STS that returns sessions and refusals as a test selects."""

from datetime import datetime

from helpers.stub_server import XML, Reply, Request

from core.units import iso_utc

MFA_ROLE = (
    "[profile team]\nrole_arn = arn:aws:iam::123456789012:role/admin\nsource_profile = base\n"
    "mfa_serial = arn:aws:iam::123456789012:mfa/me\n"
    "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = base-secret\n"
)


class StubSts:
    """Give it to a `StubServer`; `expires` is the end of the next session."""

    def __init__(self, expires: datetime) -> None:
        self.expires = expires
        self.codes: list[str] = []
        self.refuse_code = self.ended = False

    def __call__(self, asked: Request) -> Reply:
        """Answer AssumeRole and GetCallerIdentity; there is nothing else here."""
        body = asked.body.decode()
        if "Action=AssumeRole" in body:
            return self._assume(body)
        if "Action=GetCallerIdentity" in body:
            return self._identity()
        return Reply(404, XML, b"<Error><Code>NoSuchBucket</Code></Error>")

    def _assume(self, body: str) -> Reply:
        self.codes += [part[10:] for part in body.split("&") if part.startswith("TokenCode=")]
        if self.refuse_code:
            return _error(
                "AccessDenied",
                "MultiFactorAuthentication failed with invalid MFA one time pass code.",
            )
        text = f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE{len(self.codes)}</AccessKeyId>
<SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken>
<Expiration>{iso_utc(self.expires)}</Expiration></Credentials></AssumeRoleResult>
</AssumeRoleResponse>"""
        return Reply(200, XML, text.encode())

    def _identity(self) -> Reply:
        if self.ended:
            return _error("ExpiredToken", "The security token included in the request is expired")
        text = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>arn:aws:sts::123456789012:assumed-role/admin/ann</Arn>
<UserId>AROA:ann</UserId><Account>123456789012</Account></GetCallerIdentityResult>
</GetCallerIdentityResponse>"""
        return Reply(200, XML, text)


def _error(code: str, message: str) -> Reply:
    text = (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        f"<Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    )
    return Reply(403, XML, text.encode())
