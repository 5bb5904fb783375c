//! The CA desk: the hierarchies drawn, and for each issuer its certificate, its key and its CRLs.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use pki_config::Permission;

use super::home::name_of;
use super::visitor::framed;
use super::{Language, Visitor, page, words};
use crate::api::authority::{CrlLine, KeyInfo};
use crate::api::{IssuerInfo, IssuerRef, Nothing};
use crate::app::App;
use crate::edge::{issuer, key};
use crate::problem::Failure;

/// An issuer as the page shows it.
struct Card {
    info: IssuerInfo,
    lists: Vec<CrlLine>,
    /// Its key, for whoever may see keys.
    key: Option<KeyInfo>,
    /// Whether its certificate's last second has passed, or will within ninety days.
    ends: Ends,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Later,
    Soon,
    Past,
}

/// A hierarchy, drawn. Unit of all lengths: pixels at full size.
struct Tree {
    name: String,
    boxes: Vec<Node>,
    lines: Vec<String>,
    height: u32,
}

struct Node {
    issuer: String,
    name: String,
    until: String,
    class: &'static str,
    x: u32,
    y: u32,
    width: u32,
}

const WIDTH: u32 = 340;
const STEP: u32 = 26;
const ROW: u32 = 84;
const BOX: u32 = 66;

#[derive(Template)]
#[template(path = "issuers.html")]
struct IssuersPage<'a> {
    visitor: &'a Visitor,
    trees: Vec<Tree>,
    cards: Vec<Card>,
    may_publish: bool,
}

framed!(IssuersPage);

impl IssuersPage<'_> {
    /// What became of an issuer that is not active.
    fn state(&self, card: &Card) -> String {
        match (card.info.state.as_str(), &card.info.successor) {
            ("rolled", Some(next)) => {
                self.visitor.say("已换密钥，新证书由其签发：", "its work went to").to_owned() + " " + next
            }
            ("revoked", _) => self.visitor.say("已吊销，不再签发", "revoked, issues nothing").to_owned(),
            ("offline", _) => self.visitor.say("离线，仅在仪式中签名", "offline, signs in ceremonies only").to_owned(),
            (other, _) => other.to_owned(),
        }
    }

    fn second(&self, at: &str) -> String {
        words::second(at)
    }

    fn day(&self, at: &str) -> String {
        at.chars().take(10).collect()
    }

    fn size(&self, bytes: &u64) -> String {
        words::bytes(*bytes)
    }

    fn count(&self, count: &u64) -> String {
        words::count(*count)
    }

    fn key_state(&self, word: &str) -> String {
        words::key_state(word, self.visitor.language()).to_owned()
    }

    fn kind(&self, list: &CrlLine) -> String {
        let kind = match list.kind.as_str() {
            "delta" => self.say("增量", "delta"),
            _ => self.say("完整", "full"),
        };
        match list.shard {
            0 => kind.to_owned(),
            shard => format!("{kind} · {} {shard}", self.say("分片", "share")),
        }
    }

    fn ends(&self, ends: &Ends) -> &str {
        match ends {
            Ends::Later => "",
            Ends::Soon => self.say("90 天内到期", "ends within 90 days"),
            Ends::Past => self.say("已过期", "expired"),
        }
    }
}

/// `GET /desk/issuers`.
pub(super) async fn list(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadIssuers)?;
    let issuers = issuer::list(app.clone(), by.clone(), Nothing {}).await?.issuers;
    let keys = match visitor.by(Permission::ReadSystem) {
        Ok(by) => key::list(app.clone(), by, Nothing {}).await?.keys,
        Err(_) => vec![],
    };
    let now = app.clock().now();
    let soon = now.plus(std::time::Duration::from_secs(90 * 86_400));
    let mut cards = Vec::new();
    for info in issuers {
        let ask = IssuerRef { issuer: info.issuer.clone() };
        let lists = key::crls(app.clone(), by.clone(), ask).await?.lists;
        let key = keys.iter().find(|key| key.issuer.as_deref() == Some(&info.issuer)).cloned();
        let ends = match info.not_after.parse::<pki_config::Instant>() {
            Ok(last) if last < now => Ends::Past,
            Ok(last) if last < soon => Ends::Soon,
            _ => Ends::Later,
        };
        cards.push(Card { info, lists, key, ends });
    }
    // SM2 before all others, as on the public pages; roots before what is below them, as given.
    cards.sort_by_key(|card| card.info.algorithm != "sm2");
    let trees = trees(&cards, visitor.language());
    let may_publish = visitor.may(Permission::PublishCrl);
    Ok(page(&IssuersPage { visitor: &visitor, trees, cards, may_publish }))
}

/// `POST /desk/issuers/{issuer}/crl`: publishes every list of the issuer now.
pub(super) async fn publish(
    State(app): State<App>,
    visitor: Visitor,
    Path(issuer): Path<String>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::PublishCrl)?;
    let made = issuer::crl(app, by, IssuerRef { issuer }).await?;
    Ok(Redirect::to(&format!("/desk/issuers?done=published#i-{}", made.issuer)).into_response())
}

/// Each root with what is below it, drawn from the top with what is below indented.
fn trees(cards: &[Card], language: Language) -> Vec<Tree> {
    let roots = cards.iter().filter(|card| card.info.parent.is_none());
    roots
        .map(|root| {
            let mut tree =
                Tree { name: name_of(&root.info.algorithm, language), boxes: vec![], lines: vec![], height: 0 };
            place(&mut tree, cards, root, 0, None);
            tree.height = u32::try_from(tree.boxes.len()).unwrap_or(1) * ROW;
            tree
        })
        .collect()
}

fn place(tree: &mut Tree, cards: &[Card], card: &Card, depth: u32, above: Option<(u32, u32)>) {
    // Deeper than any authority goes; a circle, which cannot be, ends here.
    if depth > 6 {
        return;
    }
    let (x, y) = (1 + depth * STEP, u32::try_from(tree.boxes.len()).unwrap_or(0) * ROW + 8);
    if let Some((x_above, y_above)) = above {
        tree.lines.push(format!("M{} {}V{}H{x}", x_above + STEP / 2, y_above + BOX, y + BOX / 2));
    }
    let class = match (card.ends, card.key.as_ref().map_or("active", |key| key.state.as_str())) {
        (Ends::Past, _) => "bad",
        (Ends::Soon, _) => "wait",
        (Ends::Later, "active") => "good",
        (Ends::Later, _) => "off",
    };
    tree.boxes.push(Node {
        issuer: card.info.issuer.clone(),
        name: shortened(common_name(&card.info.subject), 36),
        until: card.info.not_after.chars().take(10).collect(),
        class,
        x,
        y,
        width: WIDTH - 2 - depth * STEP,
    });
    for below in cards.iter().filter(|below| below.info.parent.as_deref() == Some(&card.info.issuer)) {
        place(tree, cards, below, depth + 1, Some((x, y)));
    }
}

/// The common name of a name in RFC 4514 form; the whole name if it has none.
fn common_name(subject: &str) -> &str {
    let start = subject.find("CN=").map_or(0, |at| at + 3);
    let rest = &subject[start..];
    // An escaped comma belongs to the name.
    let mut before = ' ';
    let end = rest.char_indices().find(|(_, c)| {
        let ends = (*c == ',' || *c == '+') && before != '\\';
        before = *c;
        ends
    });
    end.map_or(rest, |(at, _)| &rest[..at])
}

/// At most so many cells, East Asian characters taking two.
fn shortened(text: &str, cells: usize) -> String {
    use crate::cli::table::width;
    if width(text) <= cells {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        if width(&kept) + 2 >= cells {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(issuer: &str, parent: Option<&str>) -> Card {
        let info = IssuerInfo {
            issuer: issuer.to_owned(),
            parent: parent.map(str::to_owned),
            subject: format!("CN=The {issuer},O=X"),
            algorithm: "sm2".to_owned(),
            not_after: "2046-11-20T23:59:59Z".to_owned(),
            public_url: String::new(),
            state: "active".to_owned(),
            successor: None,
            certificate: String::new(),
            crl: None,
        };
        Card { info, lists: vec![], key: None, ends: Ends::Later }
    }

    #[test]
    fn what_is_below_an_issuer_is_drawn_below_it_and_tied_to_it() {
        let cards = [
            card("root", None),
            card("a", Some("root")),
            card("b", Some("root")),
            card("c", Some("a")),
            card("other", None),
        ];
        let trees = trees(&cards, Language::English);
        assert_eq!(trees.len(), 2);
        let drawn: Vec<_> = trees[0].boxes.iter().map(|node| (node.issuer.as_str(), node.x, node.y)).collect();
        assert_eq!(drawn, [("root", 1, 8), ("a", 27, 92), ("c", 53, 176), ("b", 27, 260)]);
        // From under the root, down to the middle of `a`, right to its edge.
        assert_eq!(trees[0].lines[0], "M14 74V125H27");
        assert_eq!((trees[0].lines.len(), trees[0].height), (3, 4 * ROW));
    }

    #[test]
    fn an_issuer_that_is_its_own_parent_ends_the_drawing() {
        let cards = [card("root", None), card("loop", Some("root")), card("loop", Some("loop"))];
        assert!(trees(&cards, Language::English)[0].boxes.len() < 100);
    }

    #[test]
    fn a_common_name_ends_where_the_next_attribute_begins() {
        for (subject, name) in
            [("CN=A B,O=C", "A B"), ("O=C,CN=A\\, B,C=CN", "A\\, B"), ("O=C", "O=C"), ("CN=A+SN=1", "A"), ("", "")]
        {
            assert_eq!(common_name(subject), name);
        }
        assert_eq!(shortened("印信根证书", 8), "印信根…");
        assert_eq!(shortened("short", 8), "short");
    }
}
