//! The transcript: what happened, as a page to be printed and signed by hand. It is the payload of the log entry that
//! ends the ceremony, so that the paper and the log vouch for each other.

use std::fmt::Write as _;

use pki_config::Instant;

use super::plan::Plan;
use super::{code, hex};

/// What a transcript tells.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The installation.
    pub installation: &'a str,
    /// When the ceremony was confirmed and when it ended.
    pub began: Instant,
    /// When it ended.
    pub ended: Instant,
    /// Who put it forward: the account.
    pub proposer: &'a str,
    /// Who confirmed it: the account.
    pub decider: &'a str,
    /// The plan, if it was one.
    pub plan: Option<&'a Plan>,
    /// In one line.
    pub title: &'a str,
    /// SM3 of what was confirmed.
    pub confirmed: [u8; 32],
    /// SM3 of the answer that goes back.
    pub response: Option<[u8; 32]>,
    /// The log entry of the confirmation.
    pub entry: u64,
    /// The newest signed head of the log: size and root.
    pub head: Option<(u64, [u8; 32])>,
    /// What was done, in order.
    pub done: &'a [Done],
    /// Why it ended early.
    pub failed: Option<&'a str>,
}

/// One thing that was done.
#[derive(Debug, Clone)]
pub struct Done {
    /// What, in one line.
    pub what: String,
    /// What identifies it: names and values.
    pub facts: Vec<(&'static str, String)>,
}

/// Writes the page.
#[must_use]
pub fn write(facts: &Facts<'_>) -> String {
    let mut page = String::new();
    let mut line = |text: &str| {
        page.push_str(text);
        page.push('\n');
    };
    line("TRANSCRIPT OF A CEREMONY                                    印信 Yinxin");
    line("仪式记录");
    line("");
    line(&format!("Title          {}", facts.title));
    line(&format!("Installation   {}", facts.installation));
    if let Some(place) = facts.plan.and_then(|plan| plan.place.as_ref()) {
        line(&format!("Place          {place}"));
    }
    line(&format!("Began          {}", facts.began));
    line(&format!("Ended          {}", facts.ended));
    line(&format!("Put forward by {}", facts.proposer));
    line(&format!("Confirmed by   {}", facts.decider));
    line("");
    line("Code that was compared and typed");
    line(&format!("               {}", code(&facts.confirmed)));
    line(&format!("               SM3 {}", hex(&facts.confirmed)));
    if let Some(plan) = facts.plan {
        line("");
        line("What the plan said");
        for (place, words) in plan.words().iter().enumerate() {
            line(&format!("  {}. {words}", place + 1));
        }
    }
    line("");
    line("What was done");
    if facts.done.is_empty() {
        line("  Nothing.");
    }
    for (place, done) in facts.done.iter().enumerate() {
        line(&format!("  {}. {}", place + 1, done.what));
        for (name, value) in &done.facts {
            line(&format!("     {name:<12} {value}"));
        }
    }
    if let Some(why) = facts.failed {
        line("");
        line(&format!("IT ENDED EARLY: {why}"));
    }
    if let Some(response) = &facts.response {
        line("");
        line("Code of the response file: whoever imports it compares this");
        line(&format!("               {}", code(response)));
    }
    line("");
    line(&format!("Log            confirmed in entry {}", facts.entry));
    if let Some((size, root)) = &facts.head {
        line(&format!("               signed head of {size} entries, root {}", hex(root)));
    }
    line("               this page is the payload of the entry that ended the ceremony");
    line("");
    let mut people: Vec<&str> =
        facts.plan.map_or_else(Vec::new, |plan| plan.persons.iter().map(String::as_str).collect());
    people.resize(people.len().max(2), "");
    line("Names, signatures, date");
    for person in people {
        let mut row = String::new();
        let _ = write!(row, "\n  {person:<24} ________________________________  ______________");
        line(&row);
    }
    page
}
