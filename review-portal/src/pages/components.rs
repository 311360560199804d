//! The parts of pages (`components/ui.html`), each once, with text that tries to be more than text.

use askama::Template;

use crate::dates::{Moment, on};
use crate::language::Language;

struct Tokens {
    csrf: &'static str,
    once: &'static str,
}

#[derive(Template)]
#[template(
    source = r#"{% import "components/ui.html" as ui %}
{% call ui::badge("good", words) %}{% endcall %}
{% call ui::time(when) %}{% endcall %}
{% call ui::notice("alert") %}<p>{{ words }}</p>{% endcall %}
{% call ui::notice("info") %}<p>calm</p>{% endcall %}
{% call ui::empty(words, words) %}{% endcall %}
{% call ui::hidden(frame, "submit") %}{% endcall %}
{% call ui::input("text", "title", "Title", words, "help", "") %}{% endcall %}
{% call ui::input("text", "wrong", "Wrong", words, "help", words) %}{% endcall %}
{% call ui::area("6", "purpose", "Purpose", words, "", words) %}{% endcall %}
{% call ui::field("tier", "Tier", "", "") %}<select id="tier"></select>{% endcall %}
{% call ui::station("now", words) %}{% endcall %}
{% call ui::station("done", words) %}{% endcall %}
{% call ui::event(when, "what", words, words) %}{% endcall %}
{% call ui::remark("inner", words, when, "", words) %}<ol class="thread"></ol>{% endcall %}
{% call ui::change(words, "before", words, "after", words) %}{% endcall %}"#,
    ext = "html"
)]
struct AllParts {
    frame: Tokens,
    when: Moment,
    words: &'static str,
}

#[test]
fn every_part_shows_text_as_text_and_ties_errors_to_fields() {
    let when = on("2026-11-21".parse().unwrap(), Language::Ja);
    let frame = Tokens { csrf: "token", once: "key" };
    let text = AllParts { frame, when, words: "\"><script>" }.render().unwrap();
    assert!(!text.contains("<script>"), "{text}");
    for part in [
        "<span class=\"badge badge-good\">",
        "<time datetime=\"2026-11-21\">2026年（令和8年）11月21日</time>",
        "<div class=\"notice alert\" role=\"alert\">",
        "<div class=\"notice info\"><p>calm</p></div>",
        "name=\"csrf\" value=\"token\"",
        "name=\"idempotency\" value=\"key-submit\"",
        "aria-describedby=\"title-help\"",
        "aria-invalid=\"true\" aria-describedby=\"wrong-error wrong-help\"",
        "aria-invalid=\"true\" aria-describedby=\"purpose-error\"",
        "<label for=\"tier\">Tier</label><select id=\"tier\"></select></div>",
        "<li class=\"now\" aria-current=\"step\">",
        "<li class=\"done\">",
        "<li class=\"remark inner\">",
        "<ol class=\"thread\"></ol></li>",
        "<p class=\"mark\">before</p>",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}
