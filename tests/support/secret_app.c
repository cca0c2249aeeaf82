// SPDX-License-Identifier: Apache-2.0
// An app for end-to-end tests that shows what it was given: GET anything answers with one line for each secret file ("file NAME
// MODE VALUE") and each variable of its environment ("env NAME VALUE"). Static; listens on 8080. It writes one line a request.
#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

extern char** environ;

static void show_file(FILE* out, const char* name) {
  char path[512], value[4096];
  struct stat status;
  snprintf(path, sizeof path, "/run/secrets/%s", name);
  FILE* file = fopen(path, "r");
  if (!file || stat(path, &status) != 0) return;
  value[fread(value, 1, sizeof value - 1, file)] = 0;
  fclose(file);
  fprintf(out, "file %s %o %d %s\n", name, status.st_mode & 07777, status.st_uid == getuid(), value);
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr*)&address, sizeof address) != 0 || listen(listener, 64) != 0) return 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (;;) {
    char request[8192], *body = NULL;
    size_t size = 0;
    const int fd = accept(listener, NULL, NULL);
    const ssize_t n = fd < 0 ? -1 : read(fd, request, sizeof request);
    if (n > 0) {
      FILE* out = open_memstream(&body, &size);
      DIR* folder = opendir("/run/secrets");
      struct dirent* entry;
      while (folder && (entry = readdir(folder))) {
        if (entry->d_name[0] != '.') show_file(out, entry->d_name);
      }
      if (folder) closedir(folder);
      for (char** variable = environ; *variable; ++variable) {
        char* equals = strchr(*variable, '=');
        if (equals) fprintf(out, "env %.*s %s\n", (int)(equals - *variable), *variable, equals + 1);
      }
      fclose(out);
      dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", size);
      if (write(fd, body, size) < 0) perror("write");
      free(body);
      printf("answered\n");
    }
    if (fd >= 0) close(fd);
  }
}
