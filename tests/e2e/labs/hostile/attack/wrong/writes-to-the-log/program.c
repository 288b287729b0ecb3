/* Prints what terminals, browsers, XML and CI systems would take for something else than text. */
#include <stdio.h>

int main(void) {
    fputs("\x1b[2J\x1b]0;owned\a\r\x9b"
          "1m [bold red]all passed[/bold red] ]]></testsuite>",
          stdout);
    fputs("\xe2\x80\xae"
          "dessap lla\xe2\x80\x8b <script>alert(1)</script> &lt; \xff\xfe",
          stdout);
    fputs("\n::error file=a.c::owned\n##[error]owned\n##vso[task.complete]owned\n", stdout);
    fwrite("\0\0", 1, 2, stdout);
    return 3;
}
