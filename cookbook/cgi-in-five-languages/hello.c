#include <stdio.h>
#include <stdlib.h>

int main(void) {
  printf("Content-Type: text/plain\n\n");
  printf("c: asked by %s over %s\n", getenv("REMOTE_ADDR"), getenv("SERVER_PROTOCOL"));
  return 0;
}
