# SPDX-License-Identifier: Apache-2.0
"""The rules of docs and style that a program can check: text in, findings out.

A finding is one line, `path:line: what is wrong`. The tests in tests/lint apply them to the tree.
"""
