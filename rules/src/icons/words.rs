//! Taking names apart.

/// The words of a name or a phrase in lower case: `PDFFile2` is `pdf file 2`.
///
/// The words `lucide` and `icon` are left out, for they say nothing about which icon is meant.
pub(super) fn words(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut words = vec![String::new()];
    for (index, &c) in chars.iter().enumerate() {
        if starts_word(&chars, index) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| !is_separator(c)) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !matches!(word.as_str(), "" | "lucide" | "icon"));
    words
}

/// Whether the number of a variant, as in `Folder2`, is all there is to a word.
pub(super) fn is_number(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_digit())
}

fn is_separator(c: char) -> bool {
    c.is_ascii() && !c.is_ascii_alphanumeric()
}

/// Words start after a separator, at a number, and at a capital that ends a run of small letters
/// or begins one.
fn starts_word(chars: &[char], index: usize) -> bool {
    let Some(previous) = index.checked_sub(1).map(|before| chars[before]) else {
        return false;
    };
    let current = chars[index];
    if is_separator(previous) {
        return true;
    }
    if current.is_ascii_digit() {
        return !previous.is_ascii_digit();
    }
    let before_small = chars.get(index + 1).is_some_and(|next| next.is_lowercase());
    current.is_uppercase() && (!previous.is_uppercase() || before_small)
}
