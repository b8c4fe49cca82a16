"""Lifecycle rules that S3 accepts and refuses, each with a part of the reason."""

_IA, _GLACIER = "STANDARD_IA", "GLACIER"


def rule(**changes):
    """Return a rule that S3 takes, with some elements changed or (None) left out."""
    base = {
        "ID": "r",
        "Status": "Enabled",
        "Filter": {"Prefix": "logs/"},
        "Expiration": {"Days": 365},
    }
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


def moves(*pairs, days="Days"):
    """Return transitions of (days, class)."""
    return [{days: count, "StorageClass": name} for count, name in pairs]


def noncurrent(*pairs):
    """Return transitions of noncurrent versions of (days, class)."""
    return moves(*pairs, days="NoncurrentDays")


TAG = {"Tag": {"Key": "k", "Value": "v"}}
ACCEPTED = [
    [rule()],
    [rule(Transitions=moves((30, _IA), (60, _GLACIER)))],
    [rule(Transitions=moves((60, _GLACIER), (30, _IA)))],
    [rule(Transitions=moves((0, _GLACIER), (1, "DEEP_ARCHIVE")))],
    [rule(Transitions=moves((0, "INTELLIGENT_TIERING")))],
    [rule(Transitions=moves((30, _IA), (60, "ONEZONE_IA"), (90, "GLACIER_IR")))],
    [rule(Expiration={"Date": "2030-01-01T00:00:00+00:00"})],
    [rule(Expiration={"ExpiredObjectDeleteMarker": True})],
    [rule(Expiration=None, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1})],
    [rule(NoncurrentVersionTransitions=noncurrent((30, _IA), (60, _GLACIER)))],
    [rule(NoncurrentVersionExpiration={"NoncurrentDays": 1, "NewerNoncurrentVersions": 100})],
    [rule(Filter={"And": {"Prefix": "a/", "Tags": [TAG["Tag"]], "ObjectSizeLessThan": 5}})],
    [rule(Filter=None, Prefix="a/"), rule(ID="s", Filter=None, Prefix="b/")],
    [rule(ID="x" * 255)],
]
REFUSED = [
    ([rule(Transitions=moves((29, _IA)))], "30"),
    ([rule(Transitions=moves((0, "ONEZONE_IA")))], "30"),
    ([rule(Transitions=moves((30, _IA), (59, _GLACIER)))], "60"),
    ([rule(Transitions=moves((30, _IA), (45, "ONEZONE_IA")))], "60"),
    ([rule(Transitions=moves((90, _IA), (60, _GLACIER)))], "120"),
    ([rule(Transitions=moves((30, _GLACIER), (30, "DEEP_ARCHIVE")))], "31"),
    ([rule(Transitions=moves((-1, _GLACIER)))], "0 days"),
    ([rule(Transitions=moves((30, _IA), (90, _IA)))], "each class once"),
    ([rule(Transitions=moves((30, "FROZEN")))], "FROZEN"),
    ([rule(Transitions=moves((365, _GLACIER)))], "366"),
    ([rule(Transitions=[{"Date": "2030-01-01", "StorageClass": _GLACIER}])], "mixes"),
    ([rule(Expiration={"Days": 0})], "1 day"),
    ([rule(Expiration={"Days": 5, "ExpiredObjectDeleteMarker": True})], "exactly one"),
    ([rule(Expiration={"Date": "2030-01-01T12:00:00Z"})], "midnight"),
    ([rule(Expiration=None)], "has no action"),
    ([rule(NoncurrentVersionExpiration={"NoncurrentDays": 0})], "1 day"),
    (
        [rule(NoncurrentVersionExpiration={"NoncurrentDays": 1, "NewerNoncurrentVersions": 101})],
        "100",
    ),
    ([rule(NoncurrentVersionTransitions=noncurrent((29, _IA)))], "30"),
    (
        [
            rule(
                NoncurrentVersionTransitions=noncurrent((30, _GLACIER)),
                NoncurrentVersionExpiration={"NoncurrentDays": 30},
            )
        ],
        "31",
    ),
    ([rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 0})], "1 day"),
    ([rule(Filter=TAG, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1})], "no tags"),
    ([rule(Filter=TAG, Expiration={"ExpiredObjectDeleteMarker": True})], "no tags"),
    ([rule(Filter={"Prefix": "a/", "ObjectSizeLessThan": 5})], "And"),
    (
        [rule(Filter={"And": {"ObjectSizeGreaterThan": 5, "ObjectSizeLessThan": 5}})],
        "size limits",
    ),
    ([rule(Filter=None)], "Filter"),
    ([rule(Filter={"Prefix": "x" * 1025})], "1024"),
    ([rule(), rule(ID="s", Filter=None, Prefix="b/")], "one kind"),
    ([rule(), rule()], "Two rules"),
    ([rule(ID="x" * 256)], "255"),
    ([rule(Status="On")], "Status"),
    ([rule(ID=f"r{number}") for number in range(1001)], "1000"),
]
