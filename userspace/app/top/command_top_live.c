/* SPDX-License-Identifier: Apache-2.0 */
#include "app/top/command_top_parts.h"

#include "app/top/command_top_terminal.h"
#include "base/log.h"
#include "base/util.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define FRAME_MAX ((size_t)4 << 20)
#define KEYS_MAX  64

struct live {
    struct cs_top *top;
    struct cs_terminal terminal;
    bool asking;
    bool ended;
    uint64_t next_ns; /* when to ask next */
    char trouble[CS_TOP_WHY_MAX];
};

static void draw(struct live *live)
{
    struct cs_top *top = live->top;
    struct cs_buffer frame;

    if (!cs_terminal_size(live->terminal.out, &top->view.width, &top->view.height)) {
        top->view.width = 80;
        top->view.height = 24;
    }
    top->view.trouble = live->trouble[0] ? live->trouble : NULL;
    cs_buffer_init(&frame, FRAME_MAX);
    cs_top_model_sort(&top->model, top->view.sort);
    cs_top_draw(&top->model, &top->view, &frame);
    if (!frame.error)
        cs_terminal_write(&live->terminal, &frame);
    cs_buffer_free(&frame);
}

static void scroll(struct cs_top_view *view, size_t rows, bool down)
{
    if (down)
        view->scroll = rows > SIZE_MAX - view->scroll ? SIZE_MAX : view->scroll + rows;
    else
        view->scroll -= view->scroll < rows ? view->scroll : rows;
}

static void on_key(struct live *live, int key)
{
    static const struct {
        int key;
        enum cs_top_sort sort;
    } SORTS[] = {
        {'r', CS_TOP_BY_RATE},      {'f', CS_TOP_BY_FAILURES}, {'p', CS_TOP_BY_P99},
        {'i', CS_TOP_BY_IN_FLIGHT}, {'n', CS_TOP_BY_NAME},
    };
    struct cs_top_view *view = &live->top->view;

    for (size_t i = 0; i < CS_ARRAY_SIZE(SORTS); i++)
        if (SORTS[i].key == key)
            view->sort = SORTS[i].sort;
    switch (key) {
    case 'q':
        live->ended = true;
        break;
    case 'e':
        view->findings = !view->findings;
        view->scroll = 0;
        break;
    case 'k':
    case CS_KEY_UP:
    case 'j':
    case CS_KEY_DOWN:
        scroll(view, 1, key == 'j' || key == CS_KEY_DOWN);
        break;
    case CS_KEY_PAGE_UP:
    case CS_KEY_PAGE_DOWN:
    case ' ':
        scroll(view, cs_top_page(view), key != CS_KEY_PAGE_UP);
        break;
    case CS_KEY_HOME:
    case CS_KEY_FINISH:
        scroll(view, SIZE_MAX, key == CS_KEY_FINISH);
        break;
    default:
        break;
    }
}

static void on_keys(struct live *live)
{
    int keys[KEYS_MAX];
    size_t n = cs_terminal_keys(&live->terminal, keys, KEYS_MAX);

    live->ended |= n == 0;
    for (size_t i = 0; i < n; i++)
        on_key(live, keys[i]);
}

static void ask_when_due(struct live *live)
{
    uint64_t now_ns = cs_monotonic_ns();

    if (live->asking || now_ns < live->next_ns)
        return;
    live->asking = cs_http_client_get(live->top->client, live->top->target) == 0;
    live->next_ns = now_ns + live->top->interval_ns;
}

static int until_due_ms(const struct live *live)
{
    uint64_t now_ns = cs_monotonic_ns();

    if (live->asking)
        return -1;
    return now_ns >= live->next_ns ? 0 : (int)((live->next_ns - now_ns) / CS_NSEC_PER_MSEC) + 1;
}

/* One turn: until something has happened. */
static int turn(struct live *live)
{
    struct pollfd fds[] = {{.fd = live->terminal.in, .events = POLLIN},
                           {.fd = live->terminal.signals, .events = POLLIN}};
    struct cs_http_answer answer;
    bool redraw = false;
    int error;

    ask_when_due(live);
    error = cs_http_client_wait(live->top->client, fds, CS_ARRAY_SIZE(fds), until_due_ms(live));
    if (error < 0)
        return error;
    if (cs_http_client_done(live->top->client, &answer)) {
        live->asking = false;
        live->trouble[0] = '\0';
        cs_top_take(live->top, &answer, live->trouble);
        redraw = true;
    }
    if (fds[1].revents) {
        enum cs_terminal_event event = cs_terminal_signal(&live->terminal);

        live->ended |= event == CS_TERMINAL_END;
        redraw |= event == CS_TERMINAL_REDRAW;
    }
    if (fds[0].revents) {
        on_keys(live);
        redraw = true;
    }
    if (redraw && !live->ended)
        draw(live);
    return 0;
}

int cs_top_live(struct cs_top *top)
{
    struct live live = {.top = top, .terminal = CS_TERMINAL_INIT};
    int error = cs_terminal_open(&live.terminal);

    if (error < 0) {
        fprintf(stderr, "credscope top: the terminal: %s; --once needs none\n", strerror(-error));
        return CS_EXIT_FAILED;
    }
    live.next_ns = cs_monotonic_ns() + top->interval_ns;
    draw(&live);
    while (error == 0 && !live.ended)
        error = turn(&live);
    cs_terminal_close(&live.terminal);
    if (error < 0)
        fprintf(stderr, "credscope top: %s\n", strerror(-error));
    return error < 0 ? CS_EXIT_FAILED : CS_EXIT_OK;
}
