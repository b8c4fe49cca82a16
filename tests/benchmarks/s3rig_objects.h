// Objects and unfinished multipart uploads: sizes, metadata, checksums, and the bytes of small ones.
#include <pthread.h>
#include <time.h>

#include "s3rig_text.h"

// Larger bodies are not stored: their bytes are returned as zeros.
enum { STORED_BYTES = 64 << 10, PARTS = 10001, TABLE = 1 << 20 };

typedef struct Object {
  struct Object *next;
  char *name;  // bucket/key
  size_t size;
  char *body;  // NULL: zeros
  char etag[64];
  char *headers, *checksums;  // lines of the answer
  time_t modified;
} Object;

typedef struct {
  size_t size;
  char etag[64], checksums[256];
  int has_md5;
} Part;

typedef struct Upload {
  struct Upload *next;
  char id[32], *name, *headers;
  time_t began;
  Part *parts;
} Upload;

static Object *table[TABLE];
static Upload *uploads;
static size_t changes;  // of the set of names: a listing sorts again
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static Object **slot(const char *name) {
  uint64_t hash = 14695981039346656037ULL;
  for (const char *at = name; *at; at++) hash = (hash ^ (unsigned char)*at) * 1099511628211ULL;
  Object **found = &table[hash & (TABLE - 1)];
  while (*found && strcmp((*found)->name, name)) found = &(*found)->next;
  return found;
}

static void release(Object *object) {
  free(object->name), free(object->body), free(object->headers), free(object->checksums);
  free(object);
}

static void remove_object(const char *name) {
  Object **place = slot(name), *object = *place;
  if (!object) return;
  *place = object->next;
  release(object);
  changes++;
}

static Object *store_object(const char *name) {
  remove_object(name);
  Object **place = slot(name), *object = calloc(1, sizeof *object);
  object->name = strdup(name);
  object->modified = time(NULL);
  *place = object;
  changes++;
  return object;
}

static Upload **find_upload(const char *id) {
  Upload **found = &uploads;
  while (*found && strcmp((*found)->id, id)) found = &(*found)->next;
  return found;
}

static Upload *begin_upload(const char *name, char *headers) {
  static unsigned count;
  Upload *upload = calloc(1, sizeof *upload);
  snprintf(upload->id, sizeof upload->id, "upload-%08u", ++count);
  upload->name = strdup(name), upload->headers = headers, upload->began = time(NULL);
  upload->parts = calloc(PARTS, sizeof(Part));
  upload->next = uploads;
  return uploads = upload;
}

static void end_upload(Upload **place) {
  Upload *upload = *place;
  *place = upload->next;
  free(upload->name), free(upload->headers), free(upload->parts), free(upload);
}

// Copy the lines of a request, or of trailers, that an answer about the object repeats.
static void repeated_lines(const char *lines, Text *headers, Text *checksums) {
  static const char *const NAMES[] = {
    "content-type:", "content-disposition:", "content-language:", "cache-control:", "expires:",
    "x-amz-meta-", "x-amz-storage-class:", "x-amz-server-side-encryption", NULL};
  for (const char *at = strstr(lines, "\r\n"); at && at[2] && at[2] != '\r';) {
    at += 2;
    const char *end = strstr(at, "\r\n");
    if (!end) return;
    size_t length = end - at;
    if (!strncasecmp(at, "x-amz-checksum-", 15)) {
      int option = !strncasecmp(at + 15, "algorithm", 9) || !strncasecmp(at + 15, "mode", 4);
      if (!option) append(checksums, at, length), append(checksums, "\r\n", 2);
    } else if (!strncasecmp(at, "content-encoding:", 17)) {
      const char *value = at + 17 + strspn(at + 17, " ");
      if (!strncasecmp(value, "aws-chunked", 11)) {  // a form of the transfer, not of the object
        value += 11;
        value += strspn(value, ", ");
      }
      if (value < end) APPEND(headers, "Content-Encoding: %.*s\r\n", (int)(end - value), value);
    } else {
      for (const char *const *name = NAMES; *name; name++)
        if (!strncasecmp(at, *name, strlen(*name))) {
          append(headers, at, length), append(headers, "\r\n", 2);
          break;
        }
    }
    at = end;
  }
}

// Remove the frames of `aws-chunked` in place; return the size, and the trailers as lines.
static size_t unframed(char *body, size_t length, Text *trailers) {
  size_t from = 0, to = 0;
  append(trailers, "\r\n", 2);
  while (from < length) {
    char *line = memmem(body + from, length - from, "\r\n", 2);
    size_t size = strtoull(body + from, NULL, 16);
    if (!line) break;
    from = line + 2 - body;
    if (!size) {
      append(trailers, body + from, length - from);
      append(trailers, "\r\n\r\n", 4);
      break;
    }
    if (size > length - from) size = length - from;
    memmove(body + to, body + from, size);
    to += size, from += size + 2;
  }
  return to;
}

// Write the ETag without quotes: the MD5 of the body or the announced one, or an opaque text.
static int etag_for(char *etag, const char *headers, const char *body, size_t size) {
  unsigned char digest[16];
  size_t length;
  const char *announced = header(headers, "Content-MD5", &length);
  int known = 1;
  if (body || !size) md5(body, size, digest);
  else if (announced) known = from_base64(digest, announced, length, 16) == 16;
  else known = 0;
  if (known) to_hex(etag, digest, 16);
  else sprintf(etag, "not-a-hash-%zx", size);
  return known;
}

// Write the ETag of a completed upload: the MD5 of the MD5s of its parts, if all are known.
static void etag_of_parts(char *etag, const Upload *upload) {
  Text digests = {0};
  int count = 0, known = 1;
  for (int n = 1; n < PARTS; n++) {
    const Part *part = &upload->parts[n];
    if (!*part->etag) continue;
    count++, known &= part->has_md5;
    for (int i = 0; part->has_md5 && i < 32; i += 2) {
      unsigned char byte = hex_value(part->etag[i]) * 16 + hex_value(part->etag[i + 1]);
      append(&digests, &byte, 1);
    }
  }
  if (known && count) {
    unsigned char digest[16];
    md5(digests.data, digests.length, digest);
    to_hex(etag, digest, 16);
    sprintf(etag + 32, "-%d", count);
  } else {
    sprintf(etag, "not-a-hash-%d", count);
  }
  free(digests.data);
}

// Write the CRC32 of the CRC32s of the parts, as AWS does for an upload; empty if one is unknown.
static void crc32_of_parts(char *sum, const Upload *upload) {
  Text digests = {0};
  int count = 0, known = 1;
  for (int n = 1; n < PARTS; n++) {
    const Part *part = &upload->parts[n];
    if (!*part->etag) continue;
    char lines[300], announced[32];
    unsigned char bytes[4];
    snprintf(lines, sizeof lines, "\r\n%s", part->checksums);
    known &= header_text(lines, "x-amz-checksum-crc32", announced, sizeof announced)
             && from_base64(bytes, announced, strlen(announced), 4) == 4;
    append(&digests, bytes, 4);
    count++;
  }
  *sum = 0;
  if (known && count) {
    crc32_text(sum, (unsigned char *)digests.data, digests.length);
    sprintf(sum + strlen(sum), "-%d", count);
  }
  free(digests.data);
}
