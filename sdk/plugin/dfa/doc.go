// Package dfa compiles many regular expressions into one table machine, and
// finds what any of them matches in time that is linear in the text.
//
// A guest cannot afford package regexp, which does less than 1 MB/s in
// WebAssembly, and cannot afford an engine that builds its tables while it runs:
// the host puts a guest's memory back after each batch, and lazily built tables with
// it. So everything is determined in [Compile], which belongs into Configure.
//
// # What is found
//
// [Machine.Scan] reports the union of all matches: each byte that lies in any
// match of any pattern, wherever a match begins, is covered. Spans of overlapping or touching
// matches are one span. That is more than what leftmost engines find, and what a
// redactor needs: of "abcde" the patterns abc and cde leave nothing, where a
// leftmost search leaves "de". Greedy and lazy quantifiers mean the same.
//
// # Syntax
//
// That of RE2 as package regexp/syntax reads it: classes, Unicode classes,
// repetition up to 1000, alternation, groups, flags such as (?i), and the
// assertions ^ $ \A \z \b \B. As in RE2, there are no look-around and no back
// references. Captures are ignored. A pattern that matches the empty text is
// refused.
//
// # Method
//
// A forward machine reads the text. Between two positions at which no match is
// under way lies a cluster. In a cluster in which a match has ended, a machine of
// the reversed patterns runs backwards, and then a position is covered if what the
// forward machine came with and what the backward machine can go on with have a
// state in common. No position is read more than four times by the machines of
// one group of patterns, whatever the text.
package dfa
