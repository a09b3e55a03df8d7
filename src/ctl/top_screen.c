/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drawing with ncurses. */
#include "top_screen.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "view.h"

#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <string.h>

enum {
    LINE_STATUS,
    LINE_RATES,
    LINE_VIEWS,
    LINE_HEADS,
    LINE_ROWS, /* the first of them; the last line of the screen is the help */
};
enum { RED = 1, LINE_MAX_TEXT = 512 };

/* What is known of each row, in the order in which it is shown. */
enum number {
    NUMBER_PACKET_RATE,
    NUMBER_BIT_RATE,
    NUMBER_PACKETS,
    NUMBER_BYTES,
    NUMBER_COUNT,
};

/* Those that are shown in front of the name. */
struct columns {
    size_t count;
    enum number numbers[NUMBER_COUNT];
};

enum { COLUMN_WIDTH = 11 };
#define NAME_GAP " "

static const struct columns all_columns = {
    NUMBER_COUNT, {NUMBER_PACKET_RATE, NUMBER_BIT_RATE, NUMBER_PACKETS, NUMBER_BYTES}};
static const struct columns rates = {2, {NUMBER_PACKET_RATE, NUMBER_BIT_RATE}};
static const struct columns totals = {2, {NUMBER_PACKETS, NUMBER_BYTES}};
static const struct columns packets_alone = {2, {NUMBER_PACKET_RATE, NUMBER_PACKETS}};

static SCREEN *screen;

static const char *const view_names[TOP_VIEW_COUNT] = {
    [TOP_RULES] = "Rules", [TOP_FLOWS] = "Flows", [TOP_DROPS] = "Drops"};

int top_screen_open(void)
{
    const char *refused = getenv("NO_COLOR");

    setlocale(LC_CTYPE, "");
    screen = newterm(NULL, stdout, stdin);
    if (screen == NULL)
        return -EINVAL;
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    curs_set(0);
    if ((refused == NULL || *refused == '\0') && has_colors()) {
        start_color();
        use_default_colors();
        init_pair(RED, COLOR_RED, -1);
    }
    return 0;
}

void top_screen_close(void)
{
    if (screen == NULL)
        return;
    endwin();
    delscreen(TAKE_PTR(screen));
}

/* At line Y from its left margin, as far as the screen is wide; the rest of the line is empty. */
static void __attribute__((format(printf, 2, 3))) put_line(int y, const char *format, ...)
{
    char text[LINE_MAX_TEXT];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (y >= LINES)
        return;
    mvaddnstr(y, 0, text, COLS);
    clrtoeol();
}

static double rate(const struct top_state *state, const char *member)
{
    const json_t *now = json_object_get(state->status, "packets");
    const json_t *before = json_object_get(state->before, "packets");

    if (before == NULL || state->seconds <= 0)
        return 0;
    return MAX_OF(0.0, view_real(now, member) - view_real(before, member)) / state->seconds;
}

static double count_drops(const json_t *status)
{
    const char *reason;
    const json_t *count;
    double sum = 0;

    json_object_foreach((json_t *)json_object_get(status, "drops"), reason, count)
        sum += json_number_value(count);
    return sum;
}

static void draw_status(const struct top_state *state)
{
    const json_t *configuration = json_object_get(state->status, "configuration");
    const long long rules = view_integer(configuration, "rules");
    char up[VIEW_NUMBER];

    put_line(LINE_STATUS, "ipmodd %s  %s  up %s  configuration %lld, %lld rule%s",
             view_string(state->status, "version"), view_string(state->status, "device"),
             view_duration(view_real(state->status, "uptime_seconds"), up),
             view_integer(configuration, "generation"), rules, text_plural((uint64_t)rules));
}

static void draw_rates(const struct top_state *state)
{
    char in[VIEW_NUMBER], in_bits[VIEW_NUMBER], out[VIEW_NUMBER], out_bits[VIEW_NUMBER];
    char dropped[VIEW_NUMBER];
    double drops = 0;

    if (state->before != NULL && state->seconds > 0)
        drops =
            MAX_OF(0.0, count_drops(state->status) - count_drops(state->before)) / state->seconds;
    put_line(LINE_RATES, "in %s packets/s %sbit/s  out %s packets/s %sbit/s  drops %s/s",
             view_scaled(rate(state, "in"), in), view_scaled(rate(state, "in_bytes") * 8, in_bits),
             view_scaled(rate(state, "out"), out),
             view_scaled(rate(state, "out_bytes") * 8, out_bits), view_scaled(drops, dropped));
    if (drops > 0 && LINE_RATES < LINES)
        mvchgat(LINE_RATES, 0, -1, A_BOLD, has_colors() ? RED : 0, NULL);
}

static void draw_views(const struct top_state *state)
{
    int x = 0;

    put_line(LINE_VIEWS, "%s", "");
    if (LINE_VIEWS >= LINES)
        return;
    for (enum top_view i = 0; i < TOP_VIEW_COUNT; i++) {
        attrset(i == state->view ? A_REVERSE : A_NORMAL);
        mvprintw(LINE_VIEWS, x, " %s ", view_names[i]);
        x += (int)strlen(view_names[i]) + 3;
    }
    attrset(A_NORMAL);
    mvprintw(LINE_VIEWS, x, " %zu%s by %s", state->table.count, state->is_cut ? " of more," : ",",
             top_order_name(state->order));
}

/* Where names would be cut, the two numbers that rows are not sorted by make way for them. */
static const struct columns *choose_columns(const struct top_state *state)
{
    size_t longest = 0;

    for (size_t i = 0; i < state->table.count; i++)
        longest = MAX_OF(longest, strlen(state->table.rows[i].key));
    if (!state->table.has_bytes)
        return &packets_alone;
    if (all_columns.count * COLUMN_WIDTH + strlen(NAME_GAP) + longest <= (size_t)COLS)
        return &all_columns;
    return state->order == TOP_BY_TOTAL ? &totals : &rates;
}

static void put_row(int y, const struct columns *columns, const char *const numbers[NUMBER_COUNT],
                    const char *name)
{
    char text[NUMBER_COUNT * COLUMN_WIDTH + 1] = "";

    for (size_t i = 0; i < columns->count; i++)
        snprintf(text + i * COLUMN_WIDTH, COLUMN_WIDTH + 1, "%*s ", COLUMN_WIDTH - 1,
                 numbers[columns->numbers[i]]);
    put_line(y, "%s" NAME_GAP "%s", text, name);
}

static void draw_row(int y, const struct columns *columns, const struct top_row *row)
{
    char packet_rate[VIEW_NUMBER], bit_rate[VIEW_NUMBER];
    char packets[VIEW_NUMBER], bytes[VIEW_NUMBER];
    const char *const numbers[] = {
        [NUMBER_PACKET_RATE] = view_scaled(row->packet_rate, packet_rate),
        [NUMBER_BIT_RATE] = view_scaled(row->bit_rate, bit_rate),
        [NUMBER_PACKETS] = view_scaled(row->packets, packets),
        [NUMBER_BYTES] = view_scaled(row->bytes, bytes),
    };

    put_row(y, columns, numbers, row->key);
}

static void draw_table(const struct top_state *state)
{
    static const char *const heads[] = {[NUMBER_PACKET_RATE] = "packets/s",
                                        [NUMBER_BIT_RATE] = "bits/s",
                                        [NUMBER_PACKETS] = "packets",
                                        [NUMBER_BYTES] = "bytes"};
    static const char *const names[TOP_VIEW_COUNT] = {
        [TOP_RULES] = "rule", [TOP_FLOWS] = "flow", [TOP_DROPS] = "reason"};
    const struct top_table *table = &state->table;
    const struct columns *columns = choose_columns(state);
    size_t row = state->first;

    attrset(A_REVERSE);
    put_row(LINE_HEADS, columns, heads, names[state->view]);
    attrset(A_NORMAL);
    for (int y = LINE_ROWS; y < LINES - 1; y++) {
        if (row < table->count)
            draw_row(y, columns, &table->rows[row++]);
        else
            put_line(y, "%s", "");
    }
}

void top_screen_draw(const struct top_state *state)
{
    erase();
    draw_status(state);
    draw_rates(state);
    draw_views(state);
    draw_table(state);
    attrset(A_BOLD);
    if (LINES > LINE_HEADS)
        put_line(LINES - 1, "r rules  f flows  d drops | sort: p packets/s  b bits/s  t total  "
                            "n name  o order | q quit");
    attrset(A_NORMAL);
    refresh();
}

/* Rows of a screen. */
static size_t page(void)
{
    return LINES > LINE_ROWS + 1 ? (size_t)(LINES - LINE_ROWS - 1) : 1;
}

static enum top_deed set_view(struct top_state *state, enum top_view view)
{
    state->view = view;
    state->first = 0;
    return TOP_ASK;
}

static enum top_deed set_order(struct top_state *state, enum top_order order)
{
    state->order = order;
    top_table_sort(&state->table, order);
    return TOP_REDRAW;
}

static enum top_deed scroll_by(struct top_state *state, bool down, size_t rows)
{
    size_t last = state->table.count > 0 ? state->table.count - 1 : 0;

    if (down)
        state->first = MIN_OF(state->first + rows, last);
    else
        state->first -= MIN_OF(state->first, rows);
    return TOP_REDRAW;
}

static enum top_deed do_key(struct top_state *state, int key)
{
    switch (key) {
    case 'q':
        return TOP_QUIT;
    case 'r':
        return set_view(state, TOP_RULES);
    case 'f':
        return set_view(state, TOP_FLOWS);
    case 'd':
        return set_view(state, TOP_DROPS);
    case 'p':
        return set_order(state, TOP_BY_PACKET_RATE);
    case 'b':
        return set_order(state, TOP_BY_BIT_RATE);
    case 't':
        return set_order(state, TOP_BY_TOTAL);
    case 'n':
        return set_order(state, TOP_BY_NAME);
    case 'o':
        return set_order(state, TOP_AS_IT_IS);
    case KEY_DOWN:
        return scroll_by(state, true, 1);
    case KEY_UP:
        return scroll_by(state, false, 1);
    case KEY_NPAGE:
    case ' ':
        return scroll_by(state, true, page());
    case KEY_PPAGE:
        return scroll_by(state, false, page());
    case '\f':
        clear();
        return TOP_REDRAW;
    default:
        return TOP_REDRAW; /* KEY_RESIZE among them */
    }
}

enum top_deed top_screen_key(struct top_state *state, int ms)
{
    int key;

    timeout(ms);
    key = getch();
    return key == ERR ? TOP_NOTHING : do_key(state, key);
}
