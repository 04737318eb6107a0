use super::trade::TRADE;
use super::*;

#[test]
fn every_icon_has_a_shape_under_all_its_names() {
    for name in names() {
        let shapes = shapes(name).unwrap_or_else(|| panic!("{name}"));
        assert!(shapes.starts_with('<') && shapes.ends_with("/>"), "{name}");
    }
    assert_eq!(shapes("Nosuch"), None);
}

/// Wrong names as people and coding agents write them, with the first suggestion each must get.
const WRONG_NAMES: &[(&str, &str)] = &[
    // Words that name no icon.
    ("Money", "Banknote"),
    ("Cash", "Banknote"),
    ("Bank", "Landmark"),
    ("Fund", "Landmark"),
    ("Nav", "Calculator"),
    ("Invoice", "ReceiptText"),
    ("Approve", "CircleCheck"),
    ("Approval", "CircleCheck"),
    ("Reject", "CircleX"),
    ("Rejected", "CircleX"),
    ("Success", "CircleCheck"),
    ("Warning", "TriangleAlert"),
    ("Error", "CircleX"),
    ("Spreadsheet", "FileSpreadsheet"),
    ("Excel", "FileSpreadsheet"),
    ("Pdf", "FileText"),
    ("Document", "FileText"),
    ("Statement", "FileText"),
    ("Report", "FileText"),
    ("Email", "Mail"),
    ("Ledger", "BookOpen"),
    ("Journal", "BookOpen"),
    ("Reconcile", "Scale"),
    ("Reconciliation", "Scale"),
    ("Balance", "Scale"),
    ("Tax", "Percent"),
    ("Chart", "ChartColumn"),
    ("Dashboard", "LayoutDashboard"),
    ("Company", "Building"),
    ("Validate", "CircleCheck"),
    ("Verify", "BadgeCheck"),
    ("Classify", "Tags"),
    ("Extract", "ScanText"),
    ("Review", "Eye"),
    ("Submission", "Send"),
    ("SignOff", "Signature"),
    ("Notification", "Bell"),
    ("Robot", "Bot"),
    ("Magic", "Wand"),
    ("Tick", "Check"),
    // Several words, each with a meaning.
    ("FilePDF", "FileText"),
    ("FileExcel", "FileSpreadsheet"),
    ("UserApproved", "UserCheck"),
    ("DocumentSearch", "FileSearch"),
    ("NavCalculation", "Calculator"),
    ("send_email", "Send"),
    ("MoneyBill", "Banknote"),
    ("ExclamationTriangle", "TriangleAlert"),
    ("BankTransfer", "ArrowLeftRight"),
    ("UploadInvoice", "ReceiptText"),
    // Slips.
    ("Building2s", "Building2"),
    ("CheckCircel2", "CheckCircle2"),
    ("FileSerch", "FileSearch"),
    ("Clock3o", "Clock3"),
    ("Calender", "Calendar"),
    ("Setings", "Settings"),
    ("Downlaod", "Download"),
    ("ClipboardChecked", "ClipboardCheck"),
    ("Percentage", "Percent"),
    ("Money2", "Banknote"),
    // Other spellings.
    ("user-check", "UserCheck"),
    ("TrashIcon", "Trash"),
    ("LucideMail", "Mail"),
];

#[test]
fn tables_are_sorted() {
    assert!(ICONS.is_sorted_by(|a, b| a.name < b.name));
    assert!(NEWER.is_sorted_by(|a, b| a.0 < b.0));
    assert!(ALIASES.is_sorted_by(|a, b| a.0 < b.0));
    assert!(TRADE.is_sorted_by(|a, b| a.0 < b.0));
}

#[test]
fn every_canonical_name_is_found() {
    for icon in &ICONS {
        assert_eq!(lookup(icon.name), Lookup::Canonical, "{}", icon.name);
    }
}

#[test]
fn every_alias_leads_to_its_icon() {
    for icon in &ICONS {
        for alias in icon.aliases {
            assert_eq!(lookup(alias), Lookup::Alias(icon.name), "{alias}");
        }
    }
    let aliases: usize = ICONS.iter().map(|icon| icon.aliases.len()).sum();
    assert_eq!(aliases, ALIASES.len());
}

#[test]
fn the_newest_names_are_known_but_not_recommended() {
    for icon in &ICONS {
        for name in icon.newer {
            assert_eq!(lookup(name), Lookup::Canonical, "{name}");
            assert_eq!(newer(name), Some(icon.name), "{name}");
        }
    }
    assert_eq!(lookup("TriangleAlert"), Lookup::Canonical);
    assert_eq!(lookup("TriangleExclamationPoint"), Lookup::Canonical);
    assert_eq!(suggest("Warning", 1), ["TriangleAlert"]);
    // An icon that is new altogether has but one name.
    assert_eq!(lookup("CircleBounce"), Lookup::Canonical);
}

#[test]
fn names_of_the_published_bundles_are_known() {
    let published = [
        "Calendar",
        "ClipboardCheck",
        "Inbox",
        "FileSearch",
        "Sparkles",
        "Eye",
        "ArrowRight",
        "Upload",
        "FileText",
        "BookOpen",
        "Download",
    ];
    for name in published {
        assert_eq!(lookup(name), Lookup::Canonical, "{name}");
    }
    assert_eq!(lookup("CheckCircle2"), Lookup::Alias("CircleCheck"));
}

#[test]
fn other_spellings_and_other_exports_are_unknown() {
    let names = [
        "",
        "Money",
        "file-text",
        "filetext",
        "fileText",
        "FileTextIcon",
        "LucideFileText",
        " Eye",
        "Icon",
        "createLucideIcon",
    ];
    for name in names {
        assert_eq!(lookup(name), Lookup::Unknown, "{name:?}");
    }
}

#[test]
fn respell_finds_the_same_name_in_any_style() {
    let spellings = [
        ("check-circle-2", "CheckCircle2"),
        ("circle_check", "CircleCheck"),
        ("filetext", "FileText"),
        ("FILETEXT", "FileText"),
        ("fileText", "FileText"),
        ("File Text", "FileText"),
        (" Eye ", "Eye"),
        ("UserCheckIcon", "UserCheck"),
        ("user-check-icon", "UserCheck"),
        ("LucideMail", "Mail"),
        ("lucide:mail", "Mail"),
        ("arrow-up-1-0", "ArrowUp10"),
        ("grid-3x3", "Grid3x3"),
        ("axis-3d", "Axis3d"),
        ("FileText", "FileText"),
    ];
    for (name, right) in spellings {
        assert_eq!(respell(name), Some(right), "{name:?}");
    }
    for name in ["", "Money", "Icon", "Lucide", "-", "é"] {
        assert_eq!(respell(name), None, "{name:?}");
    }
}

#[test]
fn respell_finds_both_forms_of_every_name() {
    for name in names() {
        for form in [format!("{name}Icon"), format!("Lucide{name}")] {
            let found = respell(&form);
            assert!(
                found.is_some_and(|found| found.eq_ignore_ascii_case(name)),
                "{form}"
            );
        }
    }
}

#[test]
fn wrong_names_get_a_sensible_suggestion() {
    for (wrong, right) in WRONG_NAMES {
        assert_eq!(lookup(wrong), Lookup::Unknown, "{wrong} exists");
        assert_eq!(suggest(wrong, 1), [*right], "{wrong}");
    }
}

#[test]
fn suggestions_are_names_of_different_lasting_icons() {
    for (wrong, _) in WRONG_NAMES {
        let mut seen = std::collections::BTreeSet::new();
        for name in suggest(wrong, 100) {
            let canonical = match lookup(name) {
                Lookup::Canonical => name,
                Lookup::Alias(canonical) => canonical,
                Lookup::Unknown => panic!("{name} does not exist"),
            };
            assert!(
                seen.insert(canonical),
                "{name} is offered twice for {wrong}"
            );
        }
    }
    assert!(!suggest("Franc", 100).contains(&"BadgeSwissFranc"));
}

#[test]
fn suggest_keeps_to_the_limit_and_admits_to_know_nothing() {
    assert_eq!(suggest("Money", 3), ["Banknote", "Coins", "Wallet"]);
    assert!(suggest("Money", 0).is_empty());
    for name in ["", "Qwertyuiop", "2", "Ω", "Icon"] {
        assert!(suggest(name, 3).is_empty(), "{name:?}");
    }
}

#[test]
fn trade_words_pick_canonical_lasting_icons() {
    for (stem, picked) in TRADE {
        for name in *picked {
            let icon = ICONS.iter().find(|icon| icon.name == *name);
            assert!(icon.is_some_and(|icon| !icon.deprecated), "{stem}: {name}");
        }
    }
}

#[test]
fn trade_words_match_their_inflections_only() {
    for word in [
        "reconcile",
        "reconciled",
        "reconciling",
        "reconciliation",
        "reconciliations",
    ] {
        assert_eq!(trade_icons(word).first(), Some(&"Scale"), "{word}");
    }
    for word in ["taxi", "navigate", "banknote", "paid"] {
        assert!(trade_icons(word).is_empty(), "{word}");
    }
}

#[test]
fn search_finds_words_of_names_and_tags_and_their_starts() {
    let first = |query| search(query).first().map(|icon| icon.name);
    assert_eq!(first("trash"), Some("Trash"));
    assert_eq!(first("CheckCircle2"), Some("CircleCheck"));
    assert_eq!(first("piggy"), Some("PiggyBank"));
    assert_eq!(first("vital signs"), Some("Activity"));
    assert_eq!(first("calend"), Some("Calendar"));
    assert_eq!(first("invoice"), Some("Receipt"));
    assert!(
        search("spreadsheet table")
            .iter()
            .any(|icon| icon.name == "FileSpreadsheet")
    );
    assert!(search("file qwertyuiop").is_empty());
    assert!(search(" - ").is_empty());
}

#[test]
fn search_lists_deprecated_icons_last() {
    let found = search("franc");
    assert!(found.last().is_some_and(|icon| icon.deprecated));
}

#[test]
fn every_name_has_a_word() {
    for name in names() {
        assert!(!words(name).is_empty(), "{name}");
    }
}

#[test]
fn words_are_split_at_capitals_numbers_and_separators() {
    let splits = [
        ("PDFFile2", "pdf file 2"),
        ("AArrowDown", "a arrow down"),
        ("ArrowDownAZ", "arrow down az"),
        ("check-circle_2 big", "check circle 2 big"),
        ("LucideTrashIcon", "trash"),
        ("Clock3o", "clock 3o"),
        ("Größe", "größe"),
        ("", ""),
    ];
    for (text, split) in splits {
        assert_eq!(words(text).join(" "), split);
    }
}
