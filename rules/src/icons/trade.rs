//! What people who write runbooks call things, where Lucide's tags have no answer or a poor one.

/// The icons picked by hand for a word of fund operations, the best first.
///
/// The version of Lucide that will draw them is unknown, so they are not recent names: all but
/// `CircleQuestionMark` are in lucide-react 0.475.0, of February 2025, too.
pub(super) fn trade_icons(word: &str) -> &'static [&'static str] {
    let found = TRADE.iter().find(|(stem, _)| {
        let ending = word.strip_prefix(stem);
        ending.is_some_and(|ending| ENDINGS.contains(&ending))
    });
    found.map_or(&[], |(_, icons)| icons)
}

/// What may follow a stem: `reconcil` is `reconcile`, `reconciled`, `reconciliation`, and so on.
const ENDINGS: [&str; 21] = [
    "", "s", "e", "es", "ed", "er", "or", "ing", "al", "als", "ation", "ations", "iation",
    "iations", "ion", "ions", "y", "ies", "ied", "ication", "ment",
];

/// Stems of words with icons, sorted.
pub(super) const TRADE: &[(&str, &[&str])] = &[
    ("account", &["Landmark", "Wallet", "BookOpen", "Calculator"]),
    ("adjust", &["SlidersHorizontal", "Settings2"]),
    ("ai", &["Sparkles", "Bot", "BrainCircuit"]),
    ("alert", &["TriangleAlert", "CircleAlert", "Bell"]),
    ("allocat", &["ChartPie", "Split"]),
    ("analy", ANALYSIS),
    ("analysis", ANALYSIS),
    ("analytics", ANALYSIS),
    (
        "approv",
        &[
            "CircleCheck",
            "Check",
            "BadgeCheck",
            "ThumbsUp",
            "Stamp",
            "UserCheck",
            "FileCheck",
        ],
    ),
    ("asset", &["Building", "Coins", "Package"]),
    ("assign", &["UserPlus", "UserCheck"]),
    ("audit", &["ClipboardCheck", "FileSearch", "ShieldCheck"]),
    ("balance", &["Scale", "Calculator"]),
    ("bank", &["Landmark", "PiggyBank", "Banknote"]),
    ("bill", &["ReceiptText", "Receipt", "FileText", "Banknote"]),
    ("budget", &["Calculator", "PiggyBank", "ChartPie"]),
    ("bundle", &["Package", "Boxes"]),
    ("calculat", &["Calculator", "Sigma"]),
    ("capital", &["Coins", "Landmark", "Banknote"]),
    ("cash", &["Banknote", "Coins", "Wallet"]),
    ("chart", CHART),
    (
        "checklist",
        &["ListChecks", "ClipboardList", "ClipboardCheck"],
    ),
    ("classif", &["Tags", "Tag", "ListTree"]),
    ("client", &["Users", "User", "Handshake"]),
    ("companies", COMPANY),
    ("company", COMPANY),
    ("complet", &["CircleCheck", "Check", "CheckCheck"]),
    ("compliance", &["ShieldCheck", "Scale", "ClipboardCheck"]),
    ("confirm", &["CircleCheck", "Check", "BadgeCheck"]),
    (
        "contract",
        &["FileText", "Handshake", "ScrollText", "Signature"],
    ),
    ("csv", &["FileSpreadsheet", "Sheet", "Table"]),
    ("customer", &["Users", "User", "Handshake"]),
    ("dashboard", &["LayoutDashboard", "Gauge"]),
    ("deadline", &["CalendarClock", "AlarmClock", "Clock"]),
    ("debt", &["HandCoins", "Landmark", "CreditCard"]),
    ("deploy", &["Rocket", "CloudUpload"]),
    ("dividend", &["HandCoins", "Coins", "Percent"]),
    ("document", &["FileText", "File", "Files"]),
    ("edit", &["Pencil", "SquarePen", "FilePen"]),
    ("email", MAIL),
    ("employee", &["IdCard", "User", "Users"]),
    ("entit", &["Building", "Network"]),
    (
        "error",
        &["CircleX", "CircleAlert", "TriangleAlert", "OctagonAlert"],
    ),
    ("escalat", &["TrendingUp", "TriangleAlert", "BellRing"]),
    ("excel", &["FileSpreadsheet", "Sheet", "Table"]),
    ("exception", &["TriangleAlert", "CircleAlert"]),
    ("exclamation", &["TriangleAlert", "CircleAlert"]),
    ("expense", &["Receipt", "CreditCard", "Banknote"]),
    ("export", &["Download", "FileDown", "FileOutput"]),
    ("extract", &["ScanText", "FileSearch", "FileOutput"]),
    ("fail", &["CircleX", "X", "TriangleAlert"]),
    ("fee", &["Percent", "CircleDollarSign", "Receipt"]),
    ("filing", &["FolderOpen", "FileCheck", "Archive"]),
    ("financ", &["Landmark", "Banknote", "Coins"]),
    ("finish", &["CircleCheck", "Flag", "Check"]),
    ("fund", &["Landmark", "Coins", "HandCoins"]),
    ("fx", &["ArrowLeftRight", "CircleDollarSign"]),
    ("graph", CHART),
    ("help", QUESTION),
    ("import", &["Import", "Upload", "FileInput"]),
    ("information", &["Info"]),
    ("invest", INVESTMENT),
    ("invoic", &["ReceiptText", "Receipt", "FileText"]),
    ("journal", &["BookOpen", "NotebookPen", "Notebook"]),
    ("lease", &["KeyRound", "FileText", "House"]),
    ("ledger", &["BookOpen", "BookText", "NotebookText"]),
    ("legal", &["Scale", "Gavel"]),
    ("loan", &["HandCoins", "Landmark", "Banknote"]),
    ("mail", MAIL),
    ("match", &["GitCompareArrows", "Equal", "ListChecks"]),
    ("money", &["Banknote", "Coins", "Wallet"]),
    ("nav", &["Calculator", "ChartLine", "TrendingUp"]),
    ("notif", &["Bell", "BellRing", "Megaphone"]),
    ("organisation", COMPANY),
    ("organization", COMPANY),
    ("parse", &["ScanText", "Braces", "FileSearch"]),
    ("pay", PAYMENT),
    ("payroll", PAYMENT),
    ("pdf", &["FileText"]),
    ("pend", &["Hourglass", "Clock", "CircleDashed"]),
    ("period", &["Calendar", "CalendarRange"]),
    ("portfolio", &["BriefcaseBusiness", "Briefcase", "ChartPie"]),
    ("post", &["BookOpenCheck", "Send", "SquarePen"]),
    ("price", &["CircleDollarSign", "Tag", "ChartLine"]),
    ("pricing", &["CircleDollarSign", "Tag", "ChartLine"]),
    ("process", &["Cog", "Workflow", "RefreshCw"]),
    ("profit", INVESTMENT),
    ("properties", PROPERTY),
    ("property", PROPERTY),
    ("publish", &["Send", "Share2", "Globe", "Rocket"]),
    ("question", QUESTION),
    ("reconcil", &["Scale", "GitCompareArrows", "ListChecks"]),
    ("refresh", &["RefreshCw"]),
    (
        "reject",
        &["CircleX", "X", "Ban", "ThumbsDown", "UserX", "FileX"],
    ),
    ("rent", &["KeyRound", "House", "Banknote"]),
    ("report", &["FileText", "FileChartColumn", "ClipboardList"]),
    ("retr", &["RotateCw", "RefreshCw", "Repeat"]),
    ("return", INVESTMENT),
    ("revenue", INVESTMENT),
    ("review", &["Eye", "FileSearch", "ClipboardCheck"]),
    ("run", &["Play"]),
    ("save", &["Save", "Download"]),
    ("schedul", &["CalendarClock", "Calendar", "Clock"]),
    ("sign", SIGNATURE),
    ("signature", SIGNATURE),
    ("signoff", SIGNATURE),
    ("spreadsheet", &["FileSpreadsheet", "Sheet", "Table"]),
    ("start", &["Play", "CirclePlay"]),
    ("statement", &["FileText", "ReceiptText", "ScrollText"]),
    ("stop", &["CircleStop", "Octagon", "Pause"]),
    ("submission", SUBMISSION),
    ("submit", SUBMISSION),
    ("submitt", SUBMISSION),
    ("success", &["CircleCheck", "Check", "BadgeCheck"]),
    ("supplier", &["Truck", "Store", "Handshake"]),
    ("tax", &["Percent", "Landmark", "Receipt"]),
    ("team", &["Users", "UsersRound"]),
    ("tenant", &["Building", "User", "KeyRound"]),
    ("transaction", &["ArrowLeftRight", "Receipt", "CreditCard"]),
    ("transfer", &["ArrowLeftRight", "ArrowRightLeft", "Send"]),
    ("transform", &["WandSparkles", "Shuffle", "RefreshCw"]),
    ("trend", &["TrendingUp", "ChartLine", "TrendingDown"]),
    ("validat", &["CircleCheck", "BadgeCheck", "ShieldCheck"]),
    ("valu", &["Calculator", "ChartLine", "TrendingUp"]),
    ("varianc", &["Diff", "TrendingUpDown", "ChartLine"]),
    ("vendor", &["Store", "Truck", "Handshake"]),
    ("verif", &["BadgeCheck", "ShieldCheck", "CircleCheck"]),
    ("wait", &["Hourglass", "Clock", "Timer"]),
    ("warn", &["TriangleAlert", "CircleAlert", "OctagonAlert"]),
    ("workbook", &["FileSpreadsheet", "Sheet"]),
    ("xls", &["FileSpreadsheet", "Sheet", "Table"]),
    ("xlsx", &["FileSpreadsheet", "Sheet", "Table"]),
];

const ANALYSIS: &[&str] = &["ChartLine", "ChartColumn", "Search"];
const CHART: &[&str] = &["ChartColumn", "ChartLine", "ChartPie"];
const COMPANY: &[&str] = &["Building", "BriefcaseBusiness", "Landmark"];
const INVESTMENT: &[&str] = &["TrendingUp", "ChartLine", "HandCoins"];
const MAIL: &[&str] = &["Mail", "Inbox", "Send"];
const PAYMENT: &[&str] = &["Banknote", "CreditCard", "HandCoins"];
const PROPERTY: &[&str] = &["Building", "House", "KeyRound"];
const QUESTION: &[&str] = &["CircleQuestionMark", "LifeBuoy", "Info"];
const SIGNATURE: &[&str] = &["Signature", "PenLine", "FilePen"];
const SUBMISSION: &[&str] = &["Send", "Upload"];
