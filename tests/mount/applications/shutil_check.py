# SPDX-License-Identifier: Apache-2.0
"""shutil_check.py FOLDER TREE: copies, moves, packs and removes with Python's own tools in FOLDER."""
import filecmp
import os
import shutil
import sys
import tempfile
import zipfile

folder, tree = sys.argv[1:]
os.chdir(folder)
shutil.copytree(tree, 'copy', symlinks=True)
assert not filecmp.dircmp(tree, 'copy').diff_files
shutil.move('copy', 'moved')
shutil.copy2('moved/plain', 'moved/second')
with tempfile.TemporaryDirectory(dir='.') as directory:
    with open(os.path.join(directory, 'x'), 'w') as file:
        file.write('x')
with tempfile.NamedTemporaryFile(dir='.') as file:
    file.write(b'x')
    file.flush()
    assert os.stat(file.name).st_size == 1
shutil.make_archive('archive', 'zip', 'moved/sub')
assert zipfile.ZipFile('archive.zip').testzip() is None
os.replace('moved/second', 'moved/plain')
shutil.rmtree('moved')
assert not os.path.exists('moved')
