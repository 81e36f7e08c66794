/* A stand-alone program behind a `command:` adapter: delay and undelay in C, no library.
 *
 *     cc -O2 -o port port.c
 *     refaudio check 'command:./port {op} {dir}'
 *
 * It is called as `./port OP DIR` and serves DIR/0001, DIR/0002, ... until there is no next one. Only what the kit
 * writes is read here: the header of in.safetensors and the arguments of in.json, scanned from left to right.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DONE = 0, BROKEN = 1, DECLINED = 3, REFUSED = 4, MOST_DELAYS = 64 };

typedef struct {
    int64_t size[3]; /* (B, T, K) */
    int64_t *values;
} Codes;

static void *need(void *memory) {
    if (!memory) {
        fprintf(stderr, "out of memory\n");
        exit(BROKEN);
    }
    return memory;
}

/* The whole file with a zero at its end, or NULL. */
static char *slurp(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    fseek(file, 0, SEEK_END);
    size_t length = (size_t)ftell(file);
    rewind(file);
    char *text = need(malloc(length + 1));
    text[fread(text, 1, length, file)] = 0;
    fclose(file);
    return text;
}

static void write_text(const char *folder, const char *name, const char *text) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file || fputs(text, file) < 0 || fclose(file)) exit(BROKEN);
}

/* The one int64 tensor of in.safetensors: eight bytes of length, a JSON header, the values. */
static int read_codes(const char *folder, Codes *codes) {
    char *data = slurp(folder, "in.safetensors");
    if (!data) return 0;
    uint64_t header;
    memcpy(&header, data, sizeof header);
    const char *shape = strstr(data + 8, "\"shape\":[");
    if (!strstr(data + 8, "\"I64\"") || !shape) return 0;
    if (sscanf(shape, "\"shape\":[%" SCNd64 ",%" SCNd64 ",%" SCNd64 "]", codes->size, codes->size + 1, codes->size + 2) != 3)
        return 0;
    size_t bytes = (size_t)(codes->size[0] * codes->size[1] * codes->size[2]) * sizeof(int64_t);
    codes->values = need(malloc(bytes + 1));
    memcpy(codes->values, data + 8 + header, bytes);
    free(data);
    return 1;
}

static void write_codes(const char *folder, const Codes *codes) {
    char path[4096], header[256];
    size_t bytes = (size_t)(codes->size[0] * codes->size[1] * codes->size[2]) * sizeof(int64_t);
    snprintf(header, sizeof header, "{\"out\":{\"dtype\":\"I64\",\"shape\":[%" PRId64 ",%" PRId64 ",%" PRId64 "],\"data_offsets\":[0,%zu]}}",
             codes->size[0], codes->size[1], codes->size[2], bytes);
    uint64_t length = strlen(header);
    snprintf(path, sizeof path, "%s/out.safetensors", folder);
    FILE *file = fopen(path, "wb");
    if (!file) exit(BROKEN);
    fwrite(&length, sizeof length, 1, file);
    fwrite(header, 1, length, file);
    fwrite(codes->values, 1, bytes, file);
    if (fclose(file)) exit(BROKEN);
}

/* The list at *at, which is moved behind it: how many integers it holds, or -1 for too many. */
static int read_list(const char **at, int64_t *list) {
    int count = 0;
    for (*at = strchr(*at, '[') + 1; **at != ']'; *at += strspn(*at, ", ")) {
        if (count == MOST_DELAYS) return -1;
        list[count++] = strtoll(*at, (char **)at, 10);
    }
    ++*at;
    return count;
}

/* The integer after the next comma; `is_null` says whether null stands there. */
static int64_t read_integer(const char **at, int *is_null) {
    *at = strchr(*at, ',') + 1;
    *at += strspn(*at, " ");
    *is_null = !strncmp(*at, "null", 4);
    return *is_null ? 0 : strtoll(*at, (char **)at, 10);
}

static int64_t largest(const int64_t *delays, int64_t count) {
    int64_t found = 0;
    for (int64_t k = 0; k < count; ++k)
        if (delays[k] > found) found = delays[k];
    return found;
}

/* codes (B, T, K) -> rows (B, T + 1 + max(delays), K) */
static Codes delay(const Codes *codes, const int64_t *delays, int64_t bos, int64_t pad) {
    int64_t B = codes->size[0], T = codes->size[1], K = codes->size[2], R = T + 1 + largest(delays, K);
    Codes rows = {{B, R, K}, need(malloc((size_t)(B * R * K) * sizeof(int64_t) + 1))};
    for (int64_t b = 0; b < B; ++b)
        for (int64_t r = 0; r < R; ++r)
            for (int64_t k = 0; k < K; ++k) {
                int64_t t = r - 1 - delays[k];
                rows.values[(b * R + r) * K + k] = t < 0 ? bos : t < T ? codes->values[(b * T + t) * K + k] : pad;
            }
    return rows;
}

/* rows (B, R, K) -> codes (B, T, K) with T = frames */
static Codes undelay(const Codes *rows, const int64_t *delays, int64_t frames) {
    int64_t B = rows->size[0], R = rows->size[1], K = rows->size[2], T = frames;
    Codes codes = {{B, T, K}, need(malloc((size_t)(B * T * K) * sizeof(int64_t) + 1))};
    for (int64_t b = 0; b < B; ++b)
        for (int64_t t = 0; t < T; ++t)
            for (int64_t k = 0; k < K; ++k)
                codes.values[(b * T + t) * K + k] = rows->values[(b * R + 1 + t + delays[k]) * K + k];
    return codes;
}

/* One call; the status that it ends with. */
static int serve(const char *op, const char *folder) {
    int64_t delays[MOST_DELAYS];
    int no_eos, no_frames, unused;
    Codes in, out;
    char *text = slurp(folder, "in.json");
    const char *at = text ? strstr(text, "\"arguments\"") : NULL;
    if (!at || !(at = strchr(at, '}')) || !read_codes(folder, &in)) return BROKEN;
    int count = read_list(&at, delays);
    if (count != in.size[2]) {
        write_text(folder, "out.json", "\"there must be one delay a codebook\"");
        return REFUSED;
    }
    if (!strcmp(op, "delay")) {
        int64_t bos = read_integer(&at, &unused), pad = read_integer(&at, &unused);
        read_integer(&at, &no_eos);
        if (!no_eos) {
            write_text(folder, "out.json", "\"rows never end here\"");
            return DECLINED;
        }
        out = delay(&in, delays, bos, pad);
    } else {
        int64_t complete = in.size[1] - 1 - largest(delays, count), frames = read_integer(&at, &no_frames);
        if (complete < 0) complete = 0;
        if (no_frames) frames = complete;
        if (frames > complete) {
            write_text(folder, "out.json", "\"there are not so many complete frames\"");
            return REFUSED;
        }
        out = undelay(&in, delays, frames);
    }
    write_codes(folder, &out);
    free(in.values);
    free(out.values);
    free(text);
    return DONE;
}

int main(int argc, char **argv) {
    if (argc != 3) return BROKEN;
    for (int number = 1;; ++number) {
        char folder[4000], status[16];
        snprintf(folder, sizeof folder, "%s/%04d", argv[2], number);
        char *there = slurp(folder, "in.json");
        if (!there) return DONE;
        free(there);
        int ended = DONE;
        if (!strcmp(argv[1], "describe"))
            write_text(folder, "out.json",
                       "{\"functions\": [\"delay\", \"undelay\"], \"conventions\": {\"EOS\": \"none\"},"
                       " \"implementation\": {\"name\": \"port in C\", \"version\": \"1\"}}");
        else
            ended = serve(argv[1], folder);
        snprintf(status, sizeof status, "%d\n", ended);
        write_text(folder, "status", status);
    }
}
