/* SPDX-License-Identifier: Apache-2.0 */
/* `credscope check`: can this machine run the observer? One line for each thing it needs. */
#ifndef CS_APP_COMMAND_CHECK_H
#define CS_APP_COMMAND_CHECK_H

/* argv[0] is "check". Returns the exit status: 0 all is ok or degraded, 2 something is missing
 * or the arguments are wrong, 1 the check itself failed. */
int cs_command_check(int argc, char **argv);

/* `check --help` on stdout, for `credscope help check`. */
void cs_command_check_help(void);

#endif
