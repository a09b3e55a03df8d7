/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `ipmodctl replay`: a capture through the rules into another one. */
#include "replay.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "progress.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

enum { OPTION_FAIL_ON_NO_MATCH = 256, OPTION_EXPLAIN };

static const struct option long_options[] = {
    OFFLINE_OPTIONS,
    {"explain", no_argument, NULL, OPTION_EXPLAIN},
    {"fail-on-no-match", required_argument, NULL, OPTION_FAIL_ON_NO_MATCH},
    {NULL, 0, NULL, 0},
};

struct arguments {
    struct offline_wish wish;
    const char *expected; /* rules that must match a packet; NULL: none */
    bool explain;
    const char *in, *out;
};

/* One replay, each part NULL until it is there. */
struct replay {
    const struct options *options;
    struct arguments arguments;
    struct offline offline;
    struct text_list expected;
    struct capture *capture;
    struct capture_writer *writer;
    struct explainer *explainer; /* with --explain */
    struct explainer_listener listener;
    const struct frame *frame; /* that is being played, and at the end the last one */
    int fault;                 /* of an explanation: 0 or -ENOMEM */
    struct player player;
    FILE *out; /* for people and programs: standard output, unless the capture goes there */
    struct capture_error error;
};

static void replay_clear(struct replay *replay)
{
    struct capture_error ignored;

    player_clear(&replay->player);
    explainer_free(TAKE_PTR(replay->explainer));
    capture_writer_close(TAKE_PTR(replay->writer), &ignored);
    capture_close(TAKE_PTR(replay->capture));
    offline_clear(&replay->offline);
    text_list_clear(&replay->expected);
}

static enum exit_code parse(int argc, char **argv, struct arguments *arguments)
{
    int answer;

    while ((answer = getopt_long(argc, argv, ":c:", long_options, NULL)) != -1) {
        if (offline_take_option(&arguments->wish, answer, optarg))
            continue;
        if (answer == OPTION_FAIL_ON_NO_MATCH)
            arguments->expected = optarg;
        else if (answer == OPTION_EXPLAIN)
            arguments->explain = true;
        else
            return command_refuse_option(&command_replay, answer, argv);
    }
    if (argc - optind != 2)
        return command_refuse_usage(&command_replay, "needs two captures, IN and OUT");
    arguments->in = argv[optind];
    arguments->out = argv[optind + 1];
    return EXIT_CODE_OK;
}

/* The number of the rule called NAME; rule_count for none. */
static size_t find_rule(const struct ruleset *ruleset, const char *name)
{
    size_t i = 0;

    while (i < ruleset->rule_count && strcmp(ruleset->rules[i].name, name) != 0)
        i++;
    return i;
}

static enum exit_code refuse_rule(const struct ruleset *ruleset, const char *name)
{
    struct text_guess guess = TEXT_GUESS(name);

    for (size_t i = 0; i < ruleset->rule_count; i++)
        text_guess_offer(&guess, ruleset->rules[i].name);
    if (guess.name != NULL)
        return command_refuse_usage(&command_replay,
                                    "--fail-on-no-match: there is no rule '%s', but a rule '%s'",
                                    name, guess.name);
    return command_refuse_usage(&command_replay, "--fail-on-no-match: there is no rule '%s'", name);
}

/* A name that is none would never be missed. */
static enum exit_code check_expected(struct replay *replay)
{
    const struct ruleset *ruleset = replay->offline.loaded.ruleset;
    const char *text = replay->arguments.expected;

    if (text == NULL)
        return EXIT_CODE_OK;
    if (text_list_split(text, &replay->expected) < 0)
        return command_refuse_usage(&command_replay, "--fail-on-no-match: '%s' is no list of rules",
                                    text);
    for (size_t i = 0; i < replay->expected.count; i++) {
        const char *name = replay->expected.items[i].text;

        if (replay->expected.items[i].negated)
            return command_refuse_usage(&command_replay,
                                        "--fail-on-no-match: '!' has no meaning here: name the "
                                        "rules that have to match");
        if (find_rule(ruleset, name) == ruleset->rule_count)
            return refuse_rule(ruleset, name);
    }
    return EXIT_CODE_OK;
}

/* What rules answer may be longer than the packet that they answer, and than its snap length. */
static int largest_answer(const struct ruleset *ruleset)
{
    return ruleset->rule_count > 0 ? UINT16_MAX : 0;
}

/* Whether the capture has standard output for itself, under whatever name. */
static bool has_standard_output(const struct replay *replay)
{
    return strcmp(replay->arguments.out, "-") == 0 ||
           capture_writer_shares(replay->writer, STDOUT_FILENO);
}

static enum exit_code open_captures(struct replay *replay)
{
    const struct arguments *arguments = &replay->arguments;

    if (capture_open(arguments->in, &replay->capture, &replay->error) < 0 ||
        capture_writer_open(arguments->out, replay->capture,
                            largest_answer(replay->offline.loaded.ruleset), &replay->writer,
                            &replay->error) < 0)
        return command_fail("%s", replay->error.text);
    replay->out = has_standard_output(replay) ? stderr : stdout;
    replay->player = (struct player){
        .offline = &replay->offline, .capture = replay->capture, .writer = replay->writer};
    return EXIT_CODE_OK;
}

/* One that had waited is shown with the frame with which it goes on. */
static void show(void *context, const struct explanation *told)
{
    struct replay *replay = context;

    if (replay->fault == 0)
        replay->fault = told == NULL ? -ENOMEM
                                     : replay_explain(&replay->player, replay->frame, told,
                                                      replay->options->json, replay->out);
}

static enum exit_code start_explaining(struct replay *replay)
{
    if (!replay->arguments.explain)
        return EXIT_CODE_OK;
    replay->explainer = explainer_new(replay->offline.path, false);
    if (replay->explainer == NULL)
        return command_fail("not enough memory");
    replay->listener = (struct explainer_listener){replay, show};
    explainer_set_listener(replay->explainer, &replay->listener);
    path_set_observer(replay->offline.path, explainer_observer(replay->explainer));
    return EXIT_CODE_OK;
}

static void warn(const struct replay *replay)
{
    if (replay->arguments.wish.locals == NULL && offline_reads_direction(&replay->offline))
        fputs("ipmodctl: rules ask for the direction, and without --local every packet is passing "
              "through\n",
              stderr);
}

static double part_done(const void *capture)
{
    return capture_progress(capture);
}

/* Plays a frame and says what became of its packet. 0 or -ENOMEM. */
static int play_frame(struct replay *replay, const struct frame *frame)
{
    int r;

    replay->frame = frame;
    r = player_play(&replay->player, frame);
    return r < 0 ? r : replay->fault;
}

/* To the end of the capture, or to the first fault. */
static struct replay_end play(struct replay *replay)
{
    struct progress progress = progress_begin(!replay->arguments.explain);
    struct frame frame;
    int r;

    while ((r = capture_next(replay->capture, &frame, &replay->error)) > 0) {
        r = play_frame(replay, &frame);
        if (r < 0) {
            snprintf(replay->error.text, sizeof(replay->error.text), "not enough memory");
            break;
        }
        progress_step(&progress, part_done, replay->capture);
    }
    path_finish(replay->offline.path);
    progress_end(&progress);
    return (struct replay_end){r == 0, r == 0 ? NULL : replay->error.text};
}

static enum exit_code report(const struct replay *replay, const struct replay_end *end)
{
    if (!replay->options->json)
        replay_report_print(&replay->player, end, replay->out);
    else if (replay_report_print_json(&replay->player, end, replay->out) < 0)
        return command_fail("not enough memory");
    return command_finish_output(EXIT_CODE_OK);
}

static enum exit_code check_matches(const struct replay *replay)
{
    enum exit_code code = EXIT_CODE_OK;

    for (size_t i = 0; i < replay->expected.count; i++) {
        const char *name = replay->expected.items[i].text;
        size_t rule = find_rule(replay->offline.loaded.ruleset, name);

        if (path_rule_counters(replay->offline.path, rule)->packets == 0)
            code = command_fail("rule %s matched no packet", name);
    }
    return code;
}

static enum exit_code run_and_report(struct replay *replay)
{
    const struct replay_end end = play(replay);
    enum exit_code code = report(replay, &end), matches = check_matches(replay);
    struct capture_error error;

    if (!end.complete)
        code = command_fail("%s", end.incident);
    if (capture_writer_close(TAKE_PTR(replay->writer), &error) < 0)
        code = command_fail("%s", error.text);
    return code == EXIT_CODE_OK ? matches : code;
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    struct replay CLEANUP(replay_clear) replay = {.options = options};
    enum exit_code code = parse(argc, argv, &replay.arguments);

    if (code == EXIT_CODE_OK)
        code = offline_open(&command_replay, &replay.arguments.wish, &replay.offline);
    if (code == EXIT_CODE_OK)
        code = check_expected(&replay);
    if (code == EXIT_CODE_OK)
        code = open_captures(&replay);
    if (code == EXIT_CODE_OK)
        code = start_explaining(&replay);
    if (code != EXIT_CODE_OK)
        return code;
    warn(&replay);
    return run_and_report(&replay);
}

const struct command command_replay = {
    .name = "replay",
    .arguments = "[-c FILE] [OPTION…] IN OUT",
    .summary = "run the packets of a capture through the rules into another capture",
    .help = OFFLINE_HELP
    "      --explain        print each packet, the rules that matched and what they changed\n"
    "      --fail-on-no-match RULE,…\n"
    "                       exit with 1 when one of these rules matched no packet\n"
    "\n"
    "IN is a pcap or pcapng file, OUT becomes one, pcapng when its name\n"
    "ends so; - is standard input or output.\n",
    .offline = true,
    .run = run,
};
