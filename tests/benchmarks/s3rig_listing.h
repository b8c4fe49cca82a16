// Sorted sets of keys with their entries as XML: fixed buckets, and what was stored in others.
#include "s3rig_objects.h"

#define FIXED_ETAG "9e107d9d372bb6826bd81d3542a419d6-1"
#define XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define NAMESPACE " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

typedef struct {
  Text entries;
  size_t *offsets, *sizes, count;
  char **keys;
} Set;

static Set B5M, B1M, B100K, B10K, SMALL, BIG, FLAT;

static void format_time(char *to, size_t capacity, time_t moment) {
  struct tm parts;
  strftime(to, capacity, "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&moment, &parts));
}

static void start_set(Set *set, size_t count) {
  set->offsets = calloc(count + 1, sizeof(size_t));
  set->sizes = calloc(count + 1, sizeof(size_t));
  set->keys = calloc(count + 1, sizeof(char *));
}

static void add_key(Set *set, char *key, size_t size, const char *etag, time_t modified) {
  char moment[32];
  format_time(moment, sizeof moment, modified);
  set->offsets[set->count] = set->entries.length;
  set->sizes[set->count] = size;
  set->keys[set->count++] = key;
  APPEND(&set->entries,
         "<Contents><Key>%s</Key><LastModified>%s</LastModified><ETag>&quot;%s&quot;</ETag>"
         "<Size>%zu</Size><StorageClass>STANDARD</StorageClass></Contents>",
         key, moment, etag, size);
  set->offsets[set->count] = set->entries.length;
}

static void fill_candles(Set *set, size_t count) {
  static const char *const SYMBOLS[] = {
    "ADA-USD", "ATOM-USD", "AVAX-USD", "BCH-USD", "BTC-USD", "DOGE-USD", "DOT-USD", "ETC-USD",
    "ETH-USD", "FIL-USD", "LINK-USD", "LTC-USD", "MATIC-USD", "SOL-USD", "UNI-USD", "XRP-USD"};
  start_set(set, count);
  for (size_t n = 0; n < count / 16 * 16; n++) {
    time_t moment = 1577836800 + (time_t)(n % (count / 16)) * 3600;
    struct tm t;
    char date[64], key[256];
    gmtime_r(&moment, &t);
    strftime(date, sizeof date, "%Y/%m/%d/%Y-%m-%dT%H:00:00Z", &t);
    snprintf(key, sizeof key, "market-data/ohlcv/%s/1h/%s.json", SYMBOLS[n / (count / 16)], date);
    add_key(set, strdup(key), 1000 + n * 7919 % 50000, FIXED_ETAG, 1704067200 + (time_t)(n % 336) * 86461);
  }
}

static void fill_fixed_buckets(void) {
  char key[64];
  fill_candles(&B1M, 1000000);
  fill_candles(&B100K, 100000);
  fill_candles(&B10K, 10000);
  start_set(&SMALL, 5000);
  for (int n = 0; n < 5000; n++) {
    snprintf(key, sizeof key, "d%02d/f%05d_2048.bin", n / 250, n);
    add_key(&SMALL, strdup(key), 2048, FIXED_ETAG, 1704067200);
  }
  start_set(&FLAT, 200000);
  for (int n = 0; n < 200000; n++) {
    snprintf(key, sizeof key, "flat/part-%06d.%s", n, n % 3 ? "json" : "csv.gz");
    add_key(&FLAT, strdup(key), 1000 + (size_t)n * 7919 % 50000, FIXED_ETAG, 1704067200 + (time_t)((size_t)n * 7907 % 10000000));
  }
  start_set(&BIG, 1);
  add_key(&BIG, strdup("big_1073741824.bin"), 1 << 30, FIXED_ETAG, 1704067200);
}

static Set *fixed_set(const char *bucket) {
  if (!strcmp(bucket, "b5m")) {  // takes 2 GB and some seconds: filled by the first request
    if (!B5M.count) fill_candles(&B5M, 5000000);
    return &B5M;
  }
  return !strcmp(bucket, "b1m") ? &B1M : !strcmp(bucket, "b100k") ? &B100K : !strcmp(bucket, "b10k") ? &B10K
       : !strcmp(bucket, "small") ? &SMALL : !strcmp(bucket, "flat") ? &FLAT : !strcmp(bucket, "big") ? &BIG : NULL;
}

static int compare_objects(const void *a, const void *b) {
  return strcmp((*(Object **)a)->name, (*(Object **)b)->name);
}

// Return the stored objects of a bucket, sorted; the set is valid until the next call.
static Set *stored_set(const char *bucket) {
  static Set set;
  static char of[256];
  static size_t when;
  if (when == changes && set.keys && !strcmp(of, bucket)) return &set;
  for (size_t n = 0; n < set.count; n++) free(set.keys[n]);
  free(set.entries.data), free(set.offsets), free(set.sizes), free(set.keys);
  memset(&set, 0, sizeof set);
  size_t count = 0, length = strlen(bucket);
  Object **found = NULL;
  for (size_t n = 0; n < TABLE; n++)
    for (Object *object = table[n]; object; object = object->next)
      if (!strncmp(object->name, bucket, length) && object->name[length] == '/') {
        if (count % 4096 == 0) found = realloc(found, (count + 4096) * sizeof *found);
        found[count++] = object;
      }
  if (count) qsort(found, count, sizeof *found, compare_objects);
  start_set(&set, count);
  for (size_t n = 0; n < count; n++)
    add_key(&set, strdup(found[n]->name + length + 1), found[n]->size, found[n]->etag, found[n]->modified);
  free(found);
  snprintf(of, sizeof of, "%s", bucket);
  when = changes;
  return &set;
}

// Return the first key that is not before `key`; with `after`, the first that does not begin so.
static size_t position(const Set *set, const char *key, int after) {
  size_t low = 0, high = set->count, length = strlen(key);
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = after ? strncmp(set->keys[middle], key, length) : strcmp(set->keys[middle], key);
    if (after ? order <= 0 : order < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Append the entries from `at` on, those below a delimiter once; return the end.
static size_t delimited(const Set *set, size_t at, size_t end, size_t most, size_t skip, int delimiter,
                        Text *text, size_t *count) {
  for (*count = 0; at < end && *count < most; ++*count) {
    const char *key = set->keys[at], *found = strchr(key + skip, delimiter);
    if (!found) {
      append(text, set->entries.data + set->offsets[at], set->offsets[at + 1] - set->offsets[at]);
      at++;
      continue;
    }
    char prefix[1100];
    snprintf(prefix, sizeof prefix, "%.*s", (int)(found - key + 1), key);
    APPEND(text, "<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>", prefix);
    at = position(set, prefix, 1);
  }
  return at;
}

// Append the answer to ListObjects or ListObjectsV2; the token is the number of the next key.
static void list_objects(const char *bucket, const char *query, Text *answer) {
  char prefix[2048] = "", delimiter[8] = "", from[2048] = "", number[32];
  Set *set = fixed_set(bucket);
  if (!set) set = stored_set(bucket);
  parameter(query, "prefix", prefix, sizeof prefix);
  parameter(query, "delimiter", delimiter, sizeof delimiter);
  size_t most = parameter(query, "max-keys", number, sizeof number) ? strtoull(number, NULL, 10) : 1000;
  if (most > 1000) most = 1000;
  size_t at = *prefix ? position(set, prefix, 0) : 0, end = *prefix ? position(set, prefix, 1) : set->count;
  if (parameter(query, "start-after", from, sizeof from) || parameter(query, "marker", from, sizeof from)) {
    size_t length = strlen(from), start = position(set, from, 0);
    if (start < set->count && !strcmp(set->keys[start], from)) start++;
    if (*delimiter && length && from[length - 1] == *delimiter) start = position(set, from, 1);
    if (start > at) at = start;
  }
  if (parameter(query, "continuation-token", number, sizeof number)) {
    size_t start = strtoull(number, NULL, 10);
    if (start > at) at = start;
  }
  Text entries = {0};
  size_t count, next;
  if (*delimiter) {
    next = delimited(set, at, end, most, strlen(prefix), *delimiter, &entries, &count);
  } else {
    next = at + most < end ? at + most : end;
    if (next < at) next = at;
    count = next - at;
  }
  int version2 = parameter(query, "list-type", number, sizeof number);
  APPEND(answer, XML_HEAD "<ListBucketResult" NAMESPACE "><Name>%s</Name><Prefix>%s</Prefix><MaxKeys>%zu</MaxKeys>",
         bucket, prefix, most);
  if (version2) APPEND(answer, "<KeyCount>%zu</KeyCount>", count);
  else APPEND(answer, "<Marker>%s</Marker>", from);
  if (*delimiter) APPEND(answer, "<Delimiter>%s</Delimiter>", delimiter);
  APPEND(answer, "<EncodingType>url</EncodingType><IsTruncated>%s</IsTruncated>", next < end ? "true" : "false");
  if (next < end && version2) APPEND(answer, "<NextContinuationToken>%zu</NextContinuationToken>", next);
  else if (next < end) APPEND(answer, "<NextMarker>%s</NextMarker>", set->keys[next - 1]);
  if (*delimiter) append(answer, entries.data ? entries.data : "", entries.length);
  else append(answer, set->entries.data ? set->entries.data + set->offsets[at] : "", set->offsets[next] - set->offsets[at]);
  APPEND(answer, "</ListBucketResult>");
  free(entries.data);
}
