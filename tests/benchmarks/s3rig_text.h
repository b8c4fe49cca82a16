// Text of requests and answers: percent-encoding, query, headers, base64, CRC32 and MD5 (RFC 1321).
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct {
  char *data;
  size_t length, capacity;
} Text;

static void append(Text *text, const void *data, size_t length) {
  if (text->length + length + 1 > text->capacity) {
    text->capacity = (text->length + length + 1) * 2;
    text->data = realloc(text->data, text->capacity);
  }
  memcpy(text->data + text->length, data, length);
  text->length += length;
  text->data[text->length] = 0;
}

#define APPEND(text, ...)                                       \
  do {                                                          \
    char piece_[8192];                                          \
    int size_ = snprintf(piece_, sizeof piece_, __VA_ARGS__);   \
    append(text, piece_, size_ < 8192 ? size_ : 8191);          \
  } while (0)

static int hex_value(int c) { return isdigit(c) ? c - '0' : (c | 32) - 'a' + 10; }

// A plus sign is a space in a query, and a plus sign in a path.
static void decode(char *to, const char *from, size_t length, int query) {
  size_t n = 0;
  for (size_t i = 0; i < length; i++) {
    if (from[i] == '%' && i + 2 < length) {
      to[n++] = hex_value(from[i + 1]) * 16 + hex_value(from[i + 2]);
      i += 2;
    } else {
      to[n++] = query && from[i] == '+' ? ' ' : from[i];
    }
  }
  to[n] = 0;
}

// Write the value of a parameter; 0 if the query does not have it.
static int parameter(const char *query, const char *name, char *value, size_t capacity) {
  size_t length = strlen(name);
  for (const char *at = query; *at;) {
    const char *end = strchrnul(at, '&');
    if (!strncmp(at, name, length) && (at[length] == '=' || at + length == end)) {
      const char *start = at + length + (at[length] == '=');
      size_t size = end - start;
      decode(value, start, size >= capacity ? capacity - 1 : size, 1);
      return 1;
    }
    at = *end ? end + 1 : end;
  }
  return 0;
}

// Return the value of a header and its length; `headers` begins at the end of a line.
static const char *header(const char *headers, const char *name, size_t *length) {
  size_t size = strlen(name);
  for (const char *at = strstr(headers, "\r\n"); at && at[2] != '\r' && at[2]; ) {
    at += 2;
    const char *end = strstr(at, "\r\n");
    if (!end) return NULL;
    if (!strncasecmp(at, name, size) && at[size] == ':') {
      at += size + 1;
      while (*at == ' ') at++;
      *length = end - at;
      return at;
    }
    at = end;
  }
  return NULL;
}

static int header_text(const char *headers, const char *name, char *value, size_t capacity) {
  size_t length;
  const char *at = header(headers, name, &length);
  if (!at) return 0;
  if (length >= capacity) length = capacity - 1;
  memcpy(value, at, length);
  value[length] = 0;
  return 1;
}

static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t from_base64(unsigned char *to, const char *from, size_t length, size_t most) {
  unsigned bits = 0;
  int have = 0;
  size_t n = 0;
  for (size_t i = 0; i < length && n < most; i++) {
    const char *at = from[i] ? strchr(BASE64, from[i]) : NULL;
    if (!at) break;
    bits = bits << 6 | (unsigned)(at - BASE64);
    have += 6;
    if (have >= 8) have -= 8, to[n++] = bits >> have & 255;
  }
  return n;
}

static void to_base64(char *to, const unsigned char *from, size_t length) {
  unsigned bits = 0;
  int have = 0;
  size_t n = 0;
  for (size_t i = 0; i < length; i++) {
    bits = bits << 8 | from[i];
    for (have += 8; have >= 6; have -= 6) to[n++] = BASE64[bits >> (have - 6) & 63];
  }
  if (have) to[n++] = BASE64[bits << (6 - have) & 63];
  while (n % 4) to[n++] = '=';
  to[n] = 0;
}

// Write the CRC32 as S3 does: big-endian, in base64. Bit by bit: only for a few bytes.
static void crc32_text(char *to, const unsigned char *data, size_t length) {
  uint32_t crc = ~0U;
  for (size_t i = 0; i < length; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
  }
  crc = ~crc;
  unsigned char bytes[4] = {crc >> 24, crc >> 16, crc >> 8, crc};
  to_base64(to, bytes, 4);
}

static void to_hex(char *to, const unsigned char *from, size_t length) {
  for (size_t i = 0; i < length; i++) sprintf(to + 2 * i, "%02x", from[i]);
}

static const uint32_t SINES[64] = {
  0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
  0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
  0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
  0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
  0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
  0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
  0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
  0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
static const unsigned char TURNS[16] = {7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21};

static void md5_block(uint32_t state[4], const unsigned char *block) {
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], words[16];
  memcpy(words, block, 64);  // little-endian machines only
  for (int i = 0; i < 64; i++) {
    uint32_t f;
    int g;
    if (i < 16) f = d ^ (b & (c ^ d)), g = i;
    else if (i < 32) f = c ^ (d & (b ^ c)), g = (5 * i + 1) & 15;
    else if (i < 48) f = b ^ c ^ d, g = (3 * i + 5) & 15;
    else f = c ^ (b | ~d), g = 7 * i & 15;
    f += a + SINES[i] + words[g];
    a = d, d = c, c = b;
    int turn = TURNS[i >> 4 << 2 | (i & 3)];
    b += f << turn | f >> (32 - turn);
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
}

static void md5(const void *data, size_t length, unsigned char digest[16]) {
  uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  const unsigned char *at = data;
  size_t left = length;
  for (; left >= 64; at += 64, left -= 64) md5_block(state, at);
  unsigned char last[128] = {0};
  memcpy(last, at, left);
  last[left] = 0x80;
  size_t blocks = left < 56 ? 1 : 2;
  uint64_t bits = (uint64_t)length * 8;
  memcpy(last + blocks * 64 - 8, &bits, 8);
  for (size_t i = 0; i < blocks; i++) md5_block(state, last + 64 * i);
  memcpy(digest, state, 16);
}
