/* SPDX-License-Identifier: Apache-2.0 */
/* `credscope run`: the observer, until a signal. */
#ifndef CS_APP_COMMAND_RUN_H
#define CS_APP_COMMAND_RUN_H

/* argv[0] is "run". Returns an enum cs_exit. */
int cs_command_run(int argc, char **argv);

#endif
