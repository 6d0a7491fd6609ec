/* csp/scanner.c: where the HTML standard's tokenizer sees tags, whatever way the page is cut. */
#include "unit/modules/double.h"

#include "../modules/csp/elements.c"
#include "../modules/csp/scanner.c"
#include "../modules/csp/scanner_head.c"
#include "../modules/csp/scanner_skip.c"
#include "../modules/csp/scanner_tag.c"
#include "../modules/csp/scanner_text.c"

enum { PAGE_MAX = 4096 };

/* A page on its way through, as the body filter would send it: N for a nonce. */
struct passage {
    struct scanner scanner;
    char out[PAGE_MAX];
    size_t n_out;
    char kept[PAGE_MAX]; /* scanned, not sent */
    size_t n_kept;
    char texts[PAGE_MAX]; /* of scripts and styles, each in brackets */
    size_t n_texts;
    bool in_text;
};

static void
send(struct passage *p, size_t n)
{
    memcpy(p->out + p->n_out, p->kept, n);
    p->n_out += n;
    memmove(p->kept, p->kept + n, p->n_kept - n);
    p->n_kept -= n;
}

static void
replace(struct passage *p, const char *by)
{
    send(p, p->n_kept - p->scanner.begin);
    memmove(p->kept, p->kept + p->scanner.begin - p->scanner.end, p->scanner.end);
    p->n_kept = p->scanner.end;
    memcpy(p->out + p->n_out, by, strlen(by));
    p->n_out += strlen(by);
}

static void
note_text(struct passage *p, const char *data, size_t n)
{
    if (p->in_text) {
        memcpy(p->texts + p->n_texts, data, n);
        p->n_texts += n;
    }
}

static void
feed(struct passage *p, const char *data, size_t len)
{
    enum scan_event what;

    for (size_t at = 0; at < len;) {
        size_t n = scanner_run(&p->scanner, (const uint8_t *)data + at, len - at, &what);

        assert_true(n <= len - at);
        memcpy(p->kept + p->n_kept, data + at, n);
        p->n_kept += n;
        note_text(p, data + at, n);
        at += n;
        if (what == SCAN_STAMP || what == SCAN_STRIP || what == SCAN_HEAD) {
            replace(p, what == SCAN_STAMP ? "N" : what == SCAN_HEAD ? "M" : "");
        } else if (what == SCAN_TEXT) {
            p->in_text = true;
            p->texts[p->n_texts++] = '[';
        } else if (what == SCAN_TEXT_ENDED) {
            p->in_text = false;
            p->n_texts -= p->scanner.begin;
            p->texts[p->n_texts++] = ']';
        } else {
            assert_int_equal(at, len);
        }
    }
    assert_true(p->scanner.held <= p->n_kept);
    send(p, p->n_kept - p->scanner.held);
}

static const struct scan_marker plain = { .name = { "data-n", 6 } };
static const struct scan_marker secret = { .name = { "data-n", 6 }, .value = { "s3", 2 } };

static bool seeks_head;

/* The page cut at i and j. */
static struct passage *
pass(const struct scan_marker *marker, const char *page, size_t i, size_t j)
{
    static struct passage p;

    memset(&p, 0, sizeof(p));
    scanner_init(&p.scanner, marker);
    p.scanner.seeks_head = seeks_head;
    feed(&p, page, i);
    feed(&p, page + i, j - i);
    feed(&p, page + j, strlen(page) - j);
    send(&p, p.n_kept);
    return &p;
}

static void
expect(const struct scan_marker *marker, const char *page, const char *out)
{
    size_t len = strlen(page);

    for (size_t i = 0; i <= len; i++) {
        for (size_t j = i; j <= len; j++) {
            struct passage *p = pass(marker, page, i, j);

            p->out[p->n_out] = '\0';
            assert_string_equal(p->out, out);
        }
    }
}

static void
expect_same(const char *page)
{
    expect(&plain, page, page);
}

/* The page with M where the head begins. */
static void
expect_head(const char *page, const char *out)
{
    seeks_head = true;
    expect(&plain, page, out);
    expect(NULL, page, out);
    seeks_head = false;
}

static void
expect_texts(const char *page, const char *texts)
{
    size_t len = strlen(page);

    for (size_t i = 0; i <= len; i++) {
        struct passage *p = pass(NULL, page, i, len);

        p->texts[p->n_texts] = '\0';
        assert_string_equal(p->texts, texts);
    }
}

static void
test_the_marker_of_script_style_and_link_becomes_the_nonce(void **state)
{
    (void)state;
    expect(&plain, "<script data-n>x</script>", "<script N>x</script>");
    expect(&plain, "<STYLE DATA-N>x</STYLE>", "<STYLE N>x</STYLE>");
    expect(&plain, "<link rel=x data-n>", "<link rel=x N>");
    expect(&plain, "<link rel=x data-n/>", "<link rel=x N/>");
    expect(&plain, "<script src='a' data-n></script>", "<script src='a' N></script>");
    expect(&plain, "<script data-n src='a'></script>", "<script N src='a'></script>");
    expect(&plain, "<script src=\"a\"data-n></script>", "<script src=\"a\"N></script>");
    expect(&plain, "<script\tdata-n\n></script>", "<script\tN\n></script>");
    expect(&plain, "<script/data-n/></script>", "<script/N/></script>");
    expect(&plain, "<svg><script data-n></script></svg>", "<svg><script N></script></svg>");
}

static void
test_the_markers_value_goes_with_it(void **state)
{
    (void)state;
    expect(&plain, "<script data-n=1>", "<script N>");
    expect(&plain, "<script data-n = 'a b' x>", "<script N x>");
    expect(&plain, "<script data-n=\"\" x>", "<script N x>");
    expect(&plain, "<script data-n=>", "<script N>");
    expect(&plain, "<script data-n  x>", "<script N  x>");
}

static void
test_other_tags_and_attributes_are_left_alone(void **state)
{
    (void)state;
    expect_same("<p data-n><scripts data-n><script-x data-n><scrip data-n></script data-n>");
    expect_same("<script data-nn></script><script xdata-n></script><script data->x</script>");
    expect_same(
        "<script x=data-n></script><script x='data-n'></script><script x=\" data-n \"></script>");
    expect_same("script data-n <> < script data-n></ script data-n>");
    expect_same("<script =data-n></script>");
}

static void
test_text_is_no_tag(void **state)
{
    (void)state;
    expect_same("<!-- <script data-n> --><!--><!---><!-- a --!><!DOCTYPE html>");
    expect_same("<!-- a -- > <script data-n> -> --- <script data-n> -->");
    expect_same("<textarea><script data-n></script></textarea>");
    expect_same("<title></titles><script data-n></title >");
    expect_same("<style>a<script data-n>b</style>");
    expect_same("<xmp><script data-n></xmp><iframe><script data-n></iframe><noscript><style "
                "data-n></noscript>");
    expect_same("<script>'<script data-n>'</script>");
    expect_same("<plaintext></plaintext><script data-n>");
    expect_same("<p title='<script data-n>'><p title=\"<script data-n>\"><p title=<script data-n>");
    expect_same("<? <script data-n ?>");
    expect_same("<!x <script data-n>");
}

static void
test_tags_behind_text_are_tags_again(void **state)
{
    (void)state;
    expect(&plain, "<!--><script data-n>", "<!--><script N>");
    expect(&plain, "<!---><script data-n>", "<!---><script N>");
    expect(&plain, "<!-- a --!><script data-n>", "<!-- a --!><script N>");
    expect(&plain, "<!-- -- --><script data-n>", "<!-- -- --><script N>");
    expect(&plain, "<!-- <!-- --><script data-n>", "<!-- <!-- --><script N>");
    expect(&plain, "<!-><script data-n>", "<!-><script N>");
    expect(&plain, "<!DOCTYPE a \"b><script data-n>", "<!DOCTYPE a \"b><script N>");
    expect(&plain, "</><script data-n>", "</><script N>");
    expect(&plain, "<title>a</title/><script data-n>", "<title>a</title/><script N>");
    expect(&plain, "<style>a</style x='>'><script data-n>", "<style>a</style x='>'><script N>");
    expect(&plain, "<script/>a</script><link data-n>", "<script/>a</script><link N>");
    expect(&plain, "<<script data-n>", "<<script N>");
}

/* Written so that an end is nearly where it is not: behind each, the next tag is one. */
static void
test_ordinary_tags_end_where_they_end(void **state)
{
    static const char *const tags[] = {
        "<p class=\"a>b\">",
        "<a href='x>y' title=\"'>\">",
        "<p a=b c='>'>",
        "<p a=b=\"x>",
        "<p a=\"b\"c=\"d>\">",
        "<p=\"x>",
        "<p/a=\">\">",
        "<p a = '>'>",
        "<p a==\">",
        "<p a\n=\n'>'\n>",
        "<p \"a=\">\">",
        "<p x1='>'>",
        "<p a=>",
        "<p a= >",
        "<p\vb=\">",
        "<p a=b\v'>",
        "<p a=b'c d='>'>",
        "</p>",
        "</p a='>'>",
        "</p \">",
        "</3='>",
        "</>",
        "<li class=x><linked><scripts><tex><nose>",
        "<a-name-that-is-longer-than-a-step class=\">\">",
        "<p class='a value that is longer than one step of the scan > \" and goes on'>",
        ("<p class='a value that is longer than many steps of the scan, whatever their length may be, or a "
         "mask without a byte, and only here it has > and \" and =\"> and then it goes on for a while'>"),
        "<img/><br/ ><input value=a/>",
    };
    char page[256], out[256];

    (void)state;
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        snprintf(page, sizeof(page), "%s<link data-n>, and what follows", tags[i]);
        snprintf(out, sizeof(out), "%s<link N>, and what follows", tags[i]);
        expect(&plain, page, out);
    }
}

/* [HTML 13.2.5.15 and following] */
static void
test_an_escaped_script_ends_where_a_browser_ends_it(void **state)
{
    (void)state;
    expect(&plain, "<script><!-- </script><link data-n>", "<script><!-- </script><link N>");
    expect_same("<script><!-- <script> </script><link data-n>--></script>");
    expect(&plain, "<script><!-- <script> </script> </script><link data-n>",
           "<script><!-- <script> </script> </script><link N>");
    expect(&plain, "<script><!-- <script> --></script><link data-n>",
           "<script><!-- <script> --></script><link N>");
    expect(&plain, "<script><!--><script></script><link data-n>",
           "<script><!--><script></script><link N>");
    expect(&plain, "<script><!-- <scripts></script><link data-n>",
           "<script><!-- <scripts></script><link N>");
    expect_same("<script><!- </scripts><link data-n>");
}

/* [HTML 13.2.5.42, 13.2.6.5] */
static void
test_cdata_is_text_in_svg_and_a_comment_elsewhere(void **state)
{
    (void)state;
    expect(&plain, "<![CDATA[ > <script data-n> ]]>", "<![CDATA[ > <script N> ]]>");
    expect_same("<svg><![CDATA[ > <script data-n> ]] > ]]></svg>");
    expect(&plain, "<svg><![CDATA[ ]]]><script data-n>", "<svg><![CDATA[ ]]]><script N>");
    expect(&plain, "<svg></svg><![CDATA[ > <script data-n>", "<svg></svg><![CDATA[ > <script N>");
    expect(&plain, "<svg/><![CDATA[ > <script data-n>", "<svg/><![CDATA[ > <script N>");
    expect(&plain, "<svg><g><p><![CDATA[ > <script data-n>", "<svg><g><p><![CDATA[ > <script N>");
    expect(&plain, "<svg><foreignObject><![CDATA[ > <link data-n></foreignObject>",
           "<svg><foreignObject><![CDATA[ > <link N></foreignObject>");
    expect_same("<svg><foreignObject></foreignObject><![CDATA[ > <link data-n>");
    expect_same("<math><mi></mi><![CDATA[ > <link data-n>");
}

static void
test_style_and_title_have_no_raw_text_in_svg(void **state)
{
    (void)state;
    expect(&plain, "<svg><style><script data-n></style></svg>",
           "<svg><style><script N></style></svg>");
    expect(&plain, "<svg><title><b></b></title><g/><link data-n></svg>",
           "<svg><title><b></b></title><g/><link N></svg>");
}

static void
test_nothing_is_found_where_tags_do_not_tell_what_is_open(void **state)
{
    (void)state;
    expect_same("<svg></div><script data-n>");
    expect_same("<svg><font><script data-n>");
    expect_same("<math><annotation-xml encoding='text/html'><script data-n>");
    expect_same("<svg><desc></svg><script data-n>");
}

static void
test_svg_deeper_than_can_be_followed_is_not_followed(void **state)
{
    char page[512] = "<svg>";

    (void)state;
    for (int i = 0; i < SCAN_FOREIGN_MAX; i++) {
        strcat(page, "<g>");
    }
    strcat(page, "<script data-n>");
    struct passage *p = pass(&plain, page, 0, 0);
    assert_true(p->scanner.is_lost);
    assert_int_equal(p->n_out, strlen(page));
}

/* [CSP3 6.7.3.1] a browser takes no nonce of a tag with an attribute twice. */
static void
test_a_tag_has_one_nonce(void **state)
{
    (void)state;
    expect(&plain, "<script data-n data-n>", "<script N >");
    expect(&plain, "<script nonce=a data-n>", "<script nonce=a >");
    expect(&plain, "<script nonces data-n>", "<script nonces N>");
    expect(&plain, "<script nonce=a></script><script data-n>",
           "<script nonce=a></script><script N>");
}

/* [CSP3 6.7.3.1] */
static void
test_a_tag_that_swallowed_another_is_refused(void **state)
{
    (void)state;
    expect_same("<script src=//evil x <script data-n>");
    expect_same("<script src=//evil x='<script' data-n>");
    expect_same("<script src=//evil x=<script data-n>");
    assert_int_equal(pass(&plain, "<script x <script data-n>", 0, 0)->scanner.refused, 1);
}

static void
test_a_marker_with_a_secret_needs_it(void **state)
{
    (void)state;
    expect(&secret, "<script data-n=s3>", "<script N>");
    expect(&secret, "<script data-n='s3' x>", "<script N x>");
    expect(&secret, "<script data-n = \"s3\">", "<script N>");
    expect(&secret, "<script data-n>", "<script data-n>");
    expect(&secret, "<script data-n=>", "<script data-n=>");
    expect(&secret, "<script data-n=''>", "<script data-n=''>");
    expect(&secret, "<script data-n=s>", "<script data-n=s>");
    expect(&secret, "<script data-n=S3>", "<script data-n=S3>");
    expect(&secret, "<script data-n=s33>", "<script data-n=s33>");
    assert_int_equal(pass(&secret, "<link data-n=x><link data-n>", 0, 0)->scanner.refused, 2);
}

static void
test_what_is_kept_back_is_bounded(void **state)
{
    char page[2 * SCAN_HELD_MAX + 64] = "<script data-n";

    (void)state;
    memset(page + strlen(page), ' ', SCAN_HELD_MAX);
    strcat(page, "= x>");
    struct passage *p = pass(&plain, page, strlen(page) - 4, strlen(page) - 4);
    assert_int_equal(p->scanner.held, 0);
    assert_int_equal(p->scanner.refused, 1);
    assert_int_equal(p->n_out, strlen(page));
}

static void
test_texts_of_scripts_and_styles_are_found(void **state)
{
    (void)state;
    expect_texts("<script>a</script><style>b</style>", "[a][b]");
    expect_texts("<script type=module>a<b</script >", "[a<b]");
    expect_texts("<script src=x>a</script><script SRC>b</script>", "");
    expect_texts("<script></script>", "[]");
    expect_texts("<script>a</scripts></script>", "[a</scripts>]");
    expect_texts("<script><!--<script></script></script>", "[<!--<script></script>]");
    expect_texts("<title><script>a</script></title>", "");
    expect_texts("<style>a", "[a");
}

static void
test_the_head_begins_behind_its_tag(void **state)
{
    (void)state;
    expect_head("<html><head><title>a</title>", "<html><head>M<title>a</title>");
    expect_head("<!DOCTYPE html>\n<!-- <p> --><HTML lang=en>\n<HEAD\nclass='>'><p>",
                "<!DOCTYPE html>\n<!-- <p> --><HTML lang=en>\n<HEAD\nclass='>'>M<p>");
    expect_head("<head/><p>", "<head/>M<p>");
    expect_head("\xef\xbb\xbf<head><head>", "\xef\xbb\xbf<head>M<head>");
    expect_head("<?xml?></3></><!x><![CDATA[]]><head>", "<?xml?></3></><!x><![CDATA[]]><head>M");
}

/* [HTML 13.2.6.4.1 to .3] */
static void
test_without_its_tag_the_head_begins_before_the_first_thing_in_it(void **state)
{
    (void)state;
    expect_head("<!DOCTYPE html><title>a</title><head>", "<!DOCTYPE html>M<title>a</title><head>");
    expect_head("<html> <a><head>", "<html> M<a><head>");
    expect_head("<header><head>", "M<header><head>");
    expect_head("<a b=c d><head>", "M<a b=c d><head>");
    expect_head("<meta charset=utf-8>text", "M<meta charset=utf-8>text");
    expect_head("<html5><head>", "M<html5><head>");
    expect_head(" text<head>", " Mtext<head>");
    expect_head(" <3<head>", " M<3<head>");
    expect_head("<<head>", "M<<head>");
    expect_head("</p><head>", "M</p><head>");
    expect_head("<svg><head>", "M<svg><head>");
    expect_head("<xmp><head>", "M<xmp><head>");
    expect_head("\xef\xbb<head>", "M\xef\xbb<head>");
    expect_head("\xef\xbb\xbf\xef\xbb\xbf<head>", "\xef\xbb\xbfM\xef\xbb\xbf<head>");
    expect_head(" \xef\xbb\xbf<head>", " M\xef\xbb\xbf<head>");
    expect_head("<script>'<head>'</script>", "M<script>'<head>'</script>");
}

static void
test_a_page_without_anything_has_no_head(void **state)
{
    (void)state;
    expect_head("", "");
    expect_head("<!DOCTYPE html><!-- <head> -->\n<html>", "<!DOCTYPE html><!-- <head> -->\n<html>");
    expect_head("<hea", "<hea");
    expect_head("<head class=>", "<head class=>M");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_marker_of_script_style_and_link_becomes_the_nonce),
        cmocka_unit_test(test_the_markers_value_goes_with_it),
        cmocka_unit_test(test_other_tags_and_attributes_are_left_alone),
        cmocka_unit_test(test_text_is_no_tag),
        cmocka_unit_test(test_tags_behind_text_are_tags_again),
        cmocka_unit_test(test_ordinary_tags_end_where_they_end),
        cmocka_unit_test(test_the_head_begins_behind_its_tag),
        cmocka_unit_test(test_without_its_tag_the_head_begins_before_the_first_thing_in_it),
        cmocka_unit_test(test_a_page_without_anything_has_no_head),
        cmocka_unit_test(test_an_escaped_script_ends_where_a_browser_ends_it),
        cmocka_unit_test(test_cdata_is_text_in_svg_and_a_comment_elsewhere),
        cmocka_unit_test(test_style_and_title_have_no_raw_text_in_svg),
        cmocka_unit_test(test_nothing_is_found_where_tags_do_not_tell_what_is_open),
        cmocka_unit_test(test_svg_deeper_than_can_be_followed_is_not_followed),
        cmocka_unit_test(test_a_tag_has_one_nonce),
        cmocka_unit_test(test_a_tag_that_swallowed_another_is_refused),
        cmocka_unit_test(test_a_marker_with_a_secret_needs_it),
        cmocka_unit_test(test_what_is_kept_back_is_bounded),
        cmocka_unit_test(test_texts_of_scripts_and_styles_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
