/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In libFuzzer's place where coverage is counted: gives its entry point each file that the command
 * line names, and each file of each folder. Options are left to libFuzzer.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define INPUT_MAX (1u << 20)
#define PATH_ROOM 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay_file(const char *path)
{
    uint8_t *data = malloc(INPUT_MAX);
    FILE *file = fopen(path, "rb");

    if (data == NULL || file == NULL) {
        perror(path);
        exit(1);
    }
    LLVMFuzzerTestOneInput(data, fread(data, 1, INPUT_MAX, file));
    fclose(file);
    free(data);
}

static void replay_folder(const char *path)
{
    struct dirent **entries;
    char name[PATH_ROOM];
    int n = scandir(path, &entries, NULL, alphasort);

    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.') {
            (void)snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
            replay_file(name);
        }
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    struct stat info;

    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-') {
            continue;
        }
        if (stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode)) {
            replay_folder(argv[i]);
        } else {
            replay_file(argv[i]);
        }
    }
    fprintf(stderr, "replayed\n");
    return 0;
}
