"""How other programs name or read an object: addresses, command lines and code, without keys."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from urllib.parse import quote

from core.model.connection import KeySource, Profile

#: Functions of DuckDB and pandas that read a kind of file, by the extension of the key.
_READERS = {
    "json": ("read_json_auto", "pd.read_json({place})"),
    "ndjson": ("read_json_auto", "pd.read_json({place}, lines=True)"),
    "jsonl": ("read_json_auto", "pd.read_json({place}, lines=True)"),
    "csv": ("read_csv_auto", "pd.read_csv({place})"),
    "tsv": ("read_csv_auto", 'pd.read_csv({place}, sep="\\t")'),
    "parquet": ("read_parquet", "pd.read_parquet({place})"),
}
_COMPRESSED = ("gz", "zst", "bz2", "xz")


@dataclass(frozen=True, slots=True)
class Snippet:
    """One form in which an object can be copied to the clipboard."""

    title: str
    text: str


def snippets(profile: Profile, bucket: str, key: str) -> tuple[Snippet, ...]:
    """Return all forms of the address of an object, and code that reads it.

    No form has credentials: the programs find them as they usually do, for example in the
    environment or in the profile of AWS that is named.

    Args:
        profile: the connection, whose endpoint and region the code has to name.
        bucket: the name of the bucket.
        key: the object.
    """
    uri = f"s3://{bucket}/{key}"
    return (
        Snippet("Key", key),
        Snippet("S3 URI", uri),
        Snippet("ARN", f"arn:aws:s3:::{bucket}/{key}"),
        Snippet("URL", _url(profile, bucket, key)),
        Snippet("AWS command line", _aws(profile, uri, key)),
        Snippet("boto3", _boto3(profile, bucket, key)),
        Snippet("DuckDB", _duckdb(profile, uri, key)),
        Snippet("pandas", _pandas(profile, uri, key)),
    )


def _url(profile: Profile, bucket: str, key: str) -> str:
    path = quote(key, safe="/~")
    if profile.endpoint_url:
        return f"{profile.endpoint_url.rstrip('/')}/{bucket}/{path}"
    return f"https://{bucket}.s3.{profile.region}.amazonaws.com/{path}"


def _aws(profile: Profile, uri: str, key: str) -> str:
    name = key.rstrip("/").rpartition("/")[2] or "object"
    # A name that begins with a dash would be taken for an option.
    target = f"./{name}" if name.startswith("-") else name
    parts = ["aws", "s3", "cp", uri, target, *_aws_options(profile)]
    return shlex.join(parts)


def _aws_options(profile: Profile) -> list[str]:
    options = ["--region", profile.region]
    if profile.endpoint_url:
        options += ["--endpoint-url", profile.endpoint_url]
    if profile.source is KeySource.AWS_PROFILE and profile.aws_profile:
        options += ["--profile", profile.aws_profile]
    return options


def _session(profile: Profile) -> str:
    named = profile.source is KeySource.AWS_PROFILE and profile.aws_profile
    return f"boto3.Session(profile_name={profile.aws_profile!r})" if named else "boto3.Session()"


def _boto3(profile: Profile, bucket: str, key: str) -> str:
    arguments = f"region_name={profile.region!r}"
    if profile.endpoint_url:
        arguments += f", endpoint_url={profile.endpoint_url!r}"
    return (
        "import boto3\n\n"
        f's3 = {_session(profile)}.client("s3", {arguments})\n'
        f'body = s3.get_object(Bucket={bucket!r}, Key={key!r})["Body"].read()\n'
    )


def _extension(key: str) -> str:
    parts = key.rpartition("/")[2].lower().split(".")
    while len(parts) > 1 and parts[-1] in _COMPRESSED:
        parts.pop()
    return parts[-1] if len(parts) > 1 else ""


def _duckdb(profile: Profile, uri: str, key: str) -> str:
    reader = _READERS.get(_extension(key), ("read_text", ""))[0]
    options = [f"REGION {_sql(profile.region)}"]
    if profile.endpoint_url:
        scheme, _, host = profile.endpoint_url.rstrip("/").rpartition("://")
        options += [
            f"ENDPOINT {_sql(host)}",
            "URL_STYLE 'path'",
            f"USE_SSL {'false' if scheme == 'http' else 'true'}",
        ]
    # DuckDB reads * ? and [ in a path as a pattern, and a class of one character matches itself.
    path = "".join(f"[{char}]" if char in "*?[" else char for char in uri)
    return (
        "INSTALL httpfs; LOAD httpfs;\n"
        f"CREATE SECRET (TYPE s3, PROVIDER credential_chain, {', '.join(options)});\n"
        f"SELECT * FROM {reader}({_sql(path)});\n"
    )


def _sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _pandas(profile: Profile, uri: str, key: str) -> str:
    place = repr(uri)
    options: list[str] = []
    if profile.endpoint_url:
        options.append(f'"client_kwargs": {{"endpoint_url": {profile.endpoint_url!r}}}')
    if profile.source is KeySource.AWS_PROFILE and profile.aws_profile:
        options.append(f'"profile": {profile.aws_profile!r}')
    stored = f"storage_options = {{{', '.join(options)}}}\n"
    call = _READERS.get(_extension(key), ("", ""))[1]
    if not call:
        return (
            f'import fsspec\n\n{stored}with fsspec.open({place}, "rb", **storage_options) as file:\n'
            "    body = file.read()\n"
        )
    read = call.format(place=place)[:-1] + ", storage_options=storage_options)"
    return f"import pandas as pd\n\n{stored}table = {read}\n"
