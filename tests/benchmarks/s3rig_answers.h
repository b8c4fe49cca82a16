// A connection, and the answer to each request.
#include "s3rig_listing.h"

enum { TAIL = 1024, FRAMED_BYTES = STORED_BYTES + 4096 };
typedef enum { HEADERS, BODY, DELAYED } State;

typedef struct Conn {
  int fd, closing, waiting;
  State state;
  char in[65536];
  size_t in_length;
  char request[16384];
  // The body: what is left of it, its first bytes, its last bytes (trailers), and chunked encoding.
  long long left;
  size_t arrived;
  int chunked, chunk_state, line_length;
  char line[64], tail[TAIL + 1];
  size_t tail_length;
  Text body;
  // The answer: headers, content, then zeros.
  Text head, content;
  size_t sent;
  long long zeros;
  double due;
  struct Conn *next;
} Conn;

// Complete the headers of an answer; the content has been appended, or follows as zeros.
static void answer(Conn *c, const char *status, const char *lines, const char *type, size_t length) {
  APPEND(&c->head, "HTTP/1.1 %s\r\nServer: rig\r\nx-amz-request-id: 4442587FB7D0A2F9\r\n"
         "Date: Thu, 01 Feb 2024 00:00:00 GMT\r\n", status);
  append(&c->head, lines, strlen(lines));
  if (type) APPEND(&c->head, "Content-Type: %s\r\n", type);
  APPEND(&c->head, "Content-Length: %zu\r\n\r\n", length);
}

static void answer_xml(Conn *c, const char *status) {
  answer(c, status, "x-amz-bucket-region: us-east-1\r\n", "application/xml", c->content.length);
}

static void answer_error(Conn *c, const char *status, const char *code, int head) {
  APPEND(&c->content, XML_HEAD "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code);
  answer_xml(c, status);
  if (head) c->content.length = 0;
}

// Return whether the request may write: `If-None-Match: *` requires a free key.
static int is_allowed(Conn *c, const char *headers, const char *name) {
  char value[128];
  Object *existing = *slot(name);
  int refused = header_text(headers, "If-None-Match", value, sizeof value) && existing;
  if (header_text(headers, "If-Match", value, sizeof value))
    refused |= !existing || !strstr(value, existing->etag);
  if (refused) answer_error(c, "412 Precondition Failed", "PreconditionFailed", 0);
  return !refused;
}

static void get_object(Conn *c, const char *headers, const char *bucket, const char *key, const char *name, int head) {
  Object *object = *slot(name);
  Set *set = fixed_set(bucket);
  size_t at = set ? position(set, key, 0) : 0, first = 0, last, size;
  const char *etag = FIXED_ETAG;
  char value[256];
  if (object) size = object->size, etag = object->etag;
  else if (set && at < set->count && !strcmp(set->keys[at], key)) size = set->sizes[at];
  else { answer_error(c, "404 Not Found", "NoSuchKey", head); return; }
  if (header_text(headers, "If-Match", value, sizeof value) && !strstr(value, etag)) {
    answer_error(c, "412 Precondition Failed", "PreconditionFailed", head);
    return;
  }
  Text lines = {0};
  last = size - 1;
  int ranged = header_text(headers, "Range", value, sizeof value) && !strncmp(value, "bytes=", 6) && size;
  if (ranged) {
    char *dash = strchr(value, '-');
    if (value[6] == '-') first = size - strtoull(value + 7, NULL, 10);
    else first = strtoull(value + 6, NULL, 10);
    if (value[6] != '-' && isdigit(dash[1])) last = strtoull(dash + 1, NULL, 10);
    if (last >= size) last = size - 1;
    if (first >= size) { answer_error(c, "416 Range Not Satisfiable", "InvalidRange", head); return; }
    APPEND(&lines, "Content-Range: bytes %zu-%zu/%zu\r\n", first, last, size);
  }
  struct tm t;
  time_t modified = object ? object->modified : 1706745600;
  strftime(value, sizeof value, "Last-Modified: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&modified, &t));
  APPEND(&lines, "%sETag: \"%s\"\r\nAccept-Ranges: bytes\r\n%s", value, etag, object ? object->headers : "");
  size_t length;
  if (object && !ranged && header(headers, "x-amz-checksum-mode", &length)) APPEND(&lines, "%s", object->checksums);
  length = size ? last - first + 1 : 0;
  const char *type = object && strcasestr(object->headers, "content-type:") ? NULL : "binary/octet-stream";
  answer(c, ranged ? "206 Partial Content" : "200 OK", lines.data, type, length);
  free(lines.data);
  if (head) return;
  if (object && object->body) append(&c->content, object->body + first, length);
  else c->zeros = length;
}

static void copy_object(Conn *c, const char *source, const char *name) {
  char from[2100];
  decode(from, source + (*source == '/'), strcspn(source, "?"), 0);
  Object *found = *slot(from);
  if (!found) { answer_error(c, "404 Not Found", "NoSuchKey", 0); return; }
  Object copy = *found;
  char *body = NULL;
  if (found->body) body = memcpy(malloc(found->size), found->body, found->size);
  char *headers = strdup(found->headers), *checksums = strdup(found->checksums);
  Object *object = store_object(name);
  object->size = copy.size, object->body = body, object->headers = headers, object->checksums = checksums;
  strcpy(object->etag, copy.etag);
  APPEND(&c->content, XML_HEAD "<CopyObjectResult" NAMESPACE "><LastModified>2024-02-01T00:00:00.000Z</LastModified>"
         "<ETag>&quot;%s&quot;</ETag></CopyObjectResult>", object->etag);
  answer_xml(c, "200 OK");
}

// Read the size of the body, the body itself if it is small, and the trailers of `aws-chunked`.
static size_t take_body(Conn *c, const char *headers, Text *trailers, char **body) {
  char value[256];
  size_t size = c->arrived;
  int framed = header_text(headers, "x-amz-decoded-content-length", value, sizeof value);
  *body = NULL;
  if (c->arrived <= FRAMED_BYTES) {
    if (framed) size = unframed(c->body.data, c->body.length, trailers);
    if (size && size <= STORED_BYTES) *body = memcpy(malloc(size), c->body.data, size);
  } else if (framed) {
    size = strtoull(value, NULL, 10);
    c->tail[c->tail_length] = 0;
    char *at = memmem(c->tail, c->tail_length, "\r\nx-amz-checksum-", 17);
    if (at) APPEND(trailers, "%s\r\n\r\n", at);
  }
  return size;
}

// Store an object, or a part of an upload.
static void put_object(Conn *c, const char *headers, const char *query, const char *name) {
  char value[2048], *body;
  if (header_text(headers, "x-amz-copy-source", value, sizeof value)) { copy_object(c, value, name); return; }
  Text lines = {0}, checksums = {0}, trailers = {0};
  append(&lines, "", 0), append(&checksums, "", 0), append(&trailers, "", 0);
  size_t size = take_body(c, headers, &trailers, &body);
  repeated_lines(headers, &lines, &checksums);
  repeated_lines(trailers.data, &lines, &checksums);
  if (parameter(query, "partNumber", value, sizeof value)) {
    int number = atoi(value);
    parameter(query, "uploadId", value, sizeof value);
    Upload *upload = *find_upload(value);
    // Clients test with a few bytes whether the server verifies checksums, as all servers do.
    char announced[64], found[64] = "";
    if (body && size <= 16) crc32_text(found, (unsigned char *)body, size);
    if (!upload || number < 1 || number >= PARTS) {
      answer_error(c, "404 Not Found", "NoSuchUpload", 0);
    } else if (*found && header_text(headers, "x-amz-checksum-crc32", announced, sizeof announced) && strcmp(found, announced)) {
      answer_error(c, "400 Bad Request", "BadDigest", 0);
    } else {
      Part *part = &upload->parts[number];
      part->size = size;
      part->has_md5 = etag_for(part->etag, headers, body, size);
      snprintf(part->checksums, sizeof part->checksums, "%s", checksums.data);
      APPEND(&lines, "ETag: \"%s\"\r\n%s", part->etag, part->checksums);
      answer(c, "200 OK", lines.data, NULL, 0);
    }
    free(body), free(lines.data), free(checksums.data);
  } else if (is_allowed(c, headers, name)) {
    Object *object = store_object(name);
    object->size = size, object->body = body, object->headers = lines.data, object->checksums = checksums.data;
    etag_for(object->etag, headers, body, size);
    snprintf(value, sizeof value, "ETag: \"%s\"\r\n%s", object->etag, object->checksums);
    answer(c, "200 OK", value, NULL, 0);
  } else {
    free(body), free(lines.data), free(checksums.data);
  }
  free(trailers.data);
}

static void create_upload(Conn *c, const char *headers, const char *bucket, const char *key, const char *name) {
  Text lines = {0}, checksums = {0};
  append(&lines, "", 0);
  repeated_lines(headers, &lines, &checksums);
  free(checksums.data);
  Upload *upload = begin_upload(name, lines.data);
  APPEND(&c->content, XML_HEAD "<InitiateMultipartUploadResult" NAMESPACE "><Bucket>%s</Bucket><Key>%s</Key>"
         "<UploadId>%s</UploadId></InitiateMultipartUploadResult>", bucket, key, upload->id);
  char algorithm[32], line[80] = "";
  if (header_text(headers, "x-amz-checksum-algorithm", algorithm, sizeof algorithm))
    snprintf(line, sizeof line, "x-amz-checksum-algorithm: %s\r\n", algorithm);
  answer(c, "200 OK", line, "application/xml", c->content.length);
}

static void complete_upload(Conn *c, const char *headers, const char *name, const char *id) {
  Upload **place = find_upload(id), *upload = *place;
  if (!upload) { answer_error(c, "404 Not Found", "NoSuchUpload", 0); return; }
  if (!is_allowed(c, headers, name)) return;
  Text lines = {0}, checksums = {0};
  append(&checksums, "", 0);
  repeated_lines(headers, &lines, &checksums);
  free(lines.data);
  Object *object = store_object(name);
  for (int n = 1; n < PARTS; n++) object->size += upload->parts[n].size;
  object->headers = strdup(upload->headers), object->checksums = checksums.data;
  etag_of_parts(object->etag, upload);
  char sum[64], element[128] = "";
  crc32_of_parts(sum, upload);
  if (*sum) {
    APPEND(&checksums, "x-amz-checksum-crc32: %s\r\n", sum);
    object->checksums = checksums.data;
    snprintf(element, sizeof element, "<ChecksumCRC32>%s</ChecksumCRC32>", sum);
  }
  end_upload(place);
  APPEND(&c->content, XML_HEAD "<CompleteMultipartUploadResult" NAMESPACE "><ETag>&quot;%s&quot;</ETag>%s"
         "</CompleteMultipartUploadResult>", object->etag, element);
  answer_xml(c, "200 OK");
}

static void list_parts(Conn *c, const char *query, const char *id) {
  Upload *upload = *find_upload(id);
  if (!upload) { answer_error(c, "404 Not Found", "NoSuchUpload", 0); return; }
  char value[32];
  int after = parameter(query, "part-number-marker", value, sizeof value) ? atoi(value) : 0, count = 0, n = after + 1;
  APPEND(&c->content, XML_HEAD "<ListPartsResult" NAMESPACE "><UploadId>%s</UploadId>", id);
  for (; n < PARTS && count < 1000; n++) {
    const Part *part = &upload->parts[n];
    if (!*part->etag) continue;
    APPEND(&c->content, "<Part><PartNumber>%d</PartNumber><Size>%zu</Size><ETag>&quot;%s&quot;</ETag>"
           "<LastModified>2024-02-01T00:00:00.000Z</LastModified>", n, part->size, part->etag);
    const char *const names[] = {"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"};
    for (int i = 0; i < 5; i++) {
      char full[64], sum[128], lines[300];
      snprintf(full, sizeof full, "x-amz-checksum-%s", names[i]);
      snprintf(lines, sizeof lines, "\r\n%s", part->checksums);
      if (header_text(lines, full, sum, sizeof sum))
        APPEND(&c->content, "<Checksum%s>%s</Checksum%s>", names[i], sum, names[i]);
    }
    APPEND(&c->content, "</Part>");
    count++;
  }
  int more = 0;
  for (int i = n; i < PARTS; i++) more |= *upload->parts[i].etag != 0;
  APPEND(&c->content, "<NextPartNumberMarker>%d</NextPartNumberMarker><IsTruncated>%s</IsTruncated></ListPartsResult>",
         n - 1, more ? "true" : "false");
  answer_xml(c, "200 OK");
}

static void list_uploads(Conn *c, const char *bucket, const char *query) {
  char prefix[2048] = "", moment[32];
  parameter(query, "prefix", prefix, sizeof prefix);
  size_t length = strlen(bucket);
  APPEND(&c->content, XML_HEAD "<ListMultipartUploadsResult" NAMESPACE "><Bucket>%s</Bucket><IsTruncated>false</IsTruncated>", bucket);
  for (Upload *upload = uploads; upload; upload = upload->next) {
    const char *key = upload->name + length + 1;
    if (strncmp(upload->name, bucket, length) || upload->name[length] != '/' || strncmp(key, prefix, strlen(prefix))) continue;
    format_time(moment, sizeof moment, upload->began);
    APPEND(&c->content, "<Upload><Key>%s</Key><UploadId>%s</UploadId><Initiated>%s</Initiated></Upload>", key, upload->id, moment);
  }
  APPEND(&c->content, "</ListMultipartUploadsResult>");
  answer_xml(c, "200 OK");
}

static void delete_objects(Conn *c, const char *bucket) {
  char name[4096];
  APPEND(&c->content, XML_HEAD "<DeleteResult" NAMESPACE ">");
  for (char *at = c->body.data; at && (at = strstr(at, "<Key>"));) {
    char *end = strstr(at += 5, "</Key>");
    if (!end) break;
    snprintf(name, sizeof name, "%s/%.*s", bucket, (int)(end - at), at);
    remove_object(name);
    APPEND(&c->content, "<Deleted><Key>%.*s</Key></Deleted>", (int)(end - at), at);
  }
  APPEND(&c->content, "</DeleteResult>");
  answer_xml(c, "200 OK");
}

static void get_bucket(Conn *c, const char *bucket, const char *query, int head) {
  char value[8];
  if (head) answer(c, "200 OK", "x-amz-bucket-region: us-east-1\r\n", "application/xml", 0);
  else if (!*bucket) {
    APPEND(&c->content, XML_HEAD "<ListAllMyBucketsResult" NAMESPACE "><Owner><ID>a</ID></Owner><Buckets><Bucket>"
           "<Name>b1m</Name><CreationDate>2024-01-01T00:00:00.000Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>");
    answer_xml(c, "200 OK");
  } else if (parameter(query, "location", value, sizeof value)) {
    APPEND(&c->content, XML_HEAD "<LocationConstraint" NAMESPACE "></LocationConstraint>");
    answer_xml(c, "200 OK");
  } else if (parameter(query, "uploads", value, sizeof value)) {
    list_uploads(c, bucket, query);
  } else {
    list_objects(bucket, query, &c->content);
    answer_xml(c, "200 OK");
  }
}

static void respond(Conn *c) {
  char *method = c->request, *url = strchr(method, ' ') + 1, *headers = strchr(url, ' ');
  char path[4096], id[64] = "", value[64];
  *headers++ = 0;
  char *query = strchr(url, '?');
  if (query) *query++ = 0;
  else query = "";
  decode(path, url, strlen(url) > 4000 ? 4000 : strlen(url), 0);
  char *name = path + 1, bucket[256];
  snprintf(bucket, sizeof bucket, "%.*s", (int)strcspn(name, "/"), name);
  char *key = strchr(name, '/') ? strchr(name, '/') + 1 : "";
  int head = !strncmp(method, "HEAD", 4), in_parts = parameter(query, "uploadId", id, sizeof id);
  if (head || *method == 'G') {
    if (!*key) get_bucket(c, bucket, query, head);
    else if (in_parts) list_parts(c, query, id);
    else get_object(c, headers, bucket, key, name, head);
  } else if (!strncmp(method, "PUT", 3)) {
    if (*key) put_object(c, headers, query, name);
    else answer(c, "200 OK", "", NULL, 0);
  } else if (*method == 'P') {
    if (in_parts) complete_upload(c, headers, name, id);
    else if (parameter(query, "uploads", value, sizeof value)) create_upload(c, headers, bucket, key, name);
    else delete_objects(c, bucket);
  } else {
    Upload **place = find_upload(id);
    if (in_parts && *place) end_upload(place);
    else if (!in_parts) remove_object(name);
    answer(c, "204 No Content", "", NULL, 0);
  }
}
