/* SPDX-License-Identifier: Apache-2.0 */
/* `credscope top`: who asks for credentials now, as a live table or once. */
#ifndef CS_APP_COMMAND_TOP_H
#define CS_APP_COMMAND_TOP_H

/* argv[0] is "top". Returns the exit status: 0 shown, or ended by a key or a signal; 1 the API
 * can't be asked or its answer is of no use; 2 the arguments are wrong. */
int cs_command_top(int argc, char **argv);

/* `top --help` on stdout, for `credscope help top`. */
void cs_command_top_help(void);

#endif
