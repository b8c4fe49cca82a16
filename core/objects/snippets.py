"""How other programs name or read an object: addresses, command lines and code, without keys."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from urllib.parse import quote

from core.aws.partitions import AWS, partition_of
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
#: Parts of keys that fsspec, with which pandas reads, takes for its own syntax.
_OF_FSSPEC = ("::", "?versionId=")


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
        Snippet("ARN", _arn(profile, bucket, key)),
        Snippet("URL", _url(profile, bucket, key)),
        Snippet("AWS command line", _aws(profile, uri, key)),
        Snippet("boto3", _boto3(profile, bucket, key)),
        Snippet("DuckDB", _duckdb(profile, uri, key)),
        Snippet("pandas", _pandas(profile, bucket, key)),
    )


def _arn(profile: Profile, bucket: str, key: str) -> str:
    if bucket.startswith("arn:"):
        # The ARN of an access point.
        return f"{bucket}/object/{key}"
    # Other servers use the partition of AWS, whatever their regions are named.
    partition = AWS if profile.endpoint_url else partition_of(profile.region)
    return f"arn:{partition.id}:s3:::{bucket}/{key}"


def _url(profile: Profile, bucket: str, key: str) -> str:
    path = quote(key, safe="/~")
    if profile.endpoint_url:
        return f"{profile.endpoint_url.rstrip('/')}/{bucket}/{path}"
    if bucket.startswith("arn:"):
        _, _, _, region, account, point = bucket.split(":", 5)
        name = point.removeprefix("accesspoint")[1:]
        return (
            f"https://{name}-{account}.s3-accesspoint.{region}.{partition_of(region).domain}/{path}"
        )
    return f"https://{bucket}.s3.{profile.region}.{partition_of(profile.region).domain}/{path}"


def _aws(profile: Profile, uri: str, key: str) -> str:
    name = key.rstrip("/").rpartition("/")[2]
    # The folder and the one above it are no names of files.
    name = "object" if name in {"", ".", ".."} else name
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
    elif partition_of(profile.region).domain != AWS.domain:
        # DuckDB knows one domain only.
        host = f"s3.{profile.region}.{partition_of(profile.region).domain}"
        options.append(f"ENDPOINT {_sql(host)}")
    # DuckDB reads what follows ? as parameters, and a backslash as an escape, unless both and
    # patterns are disabled (the option of a secret with this name has no effect, as of DuckDB 1.4).
    exact = any(char in uri for char in "?\\")
    setting = "SET s3_url_compatibility_mode = true;\n" if exact else ""
    # Otherwise * and [ are patterns, and a class of one character matches itself.
    path = uri if exact else "".join(f"[{char}]" if char in "*[" else char for char in uri)
    return (
        f"INSTALL httpfs; LOAD httpfs;\n{setting}"
        f"CREATE SECRET (TYPE s3, PROVIDER credential_chain, {', '.join(options)});\n"
        f"SELECT * FROM {reader}({_sql(path)});\n"
    )


def _sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _pandas(profile: Profile, bucket: str, key: str) -> str:
    call = _READERS.get(_extension(key), ("", ""))[1]
    if any(each in key for each in _OF_FSSPEC):
        read = f"table = {call.format(place='io.BytesIO(body)')}\n" if call else ""
        needed = "import io\n\nimport pandas as pd\n" if call else ""
        return needed + _boto3(profile, bucket, key) + read
    place = repr(f"s3://{bucket}/{key}")
    options: list[str] = []
    if profile.endpoint_url:
        options.append(f'"client_kwargs": {{"endpoint_url": {profile.endpoint_url!r}}}')
    if profile.source is KeySource.AWS_PROFILE and profile.aws_profile:
        options.append(f'"profile": {profile.aws_profile!r}')
    stored = f"storage_options = {{{', '.join(options)}}}\n"
    if not call:
        return (
            f'import fsspec\n\n{stored}with fsspec.open({place}, "rb", **storage_options) as file:\n'
            "    body = file.read()\n"
        )
    read = call.format(place=place)[:-1] + ", storage_options=storage_options)"
    return f"import pandas as pd\n\n{stored}table = {read}\n"
