/* The smallest FastCGI application: libfcgi, so many processes on one socket. cc hello.c -lfcgi */
#include <fcgiapp.h>
#include <stdlib.h>
#include <unistd.h>

int main(int count, char **words) {
  if (count < 3) return 2;
  FCGX_Init();
  int socket = FCGX_OpenSocket(words[1], 512);
  for (int child = 1; child < atoi(words[2]); child++)
    if (fork() == 0) break;
  FCGX_Request request;
  FCGX_InitRequest(&request, socket, 0);
  while (FCGX_Accept_r(&request) == 0) {
    FCGX_PutS("Content-Type: text/plain\r\n\r\nhello\n", request.out);
    FCGX_Finish_r(&request);
  }
  return 0;
}
