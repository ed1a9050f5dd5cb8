"""What is known of the effects of Python's and the libraries' functions. Whatever is not listed may change anything
that it is given: a list that lacks something makes an edit slower, never wrong.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PURE_BUILTINS = _words(
    """
    abs all any ascii bin bool bytes callable chr complex divmod float format frozenset hasattr hash hex id int
    isinstance issubclass len oct ord pow print display range repr round str sum type object slice super property
    classmethod staticmethod NotImplemented Ellipsis
    """
)
"""Neither change what they are given nor give it back."""
SHARING_BUILTINS = _words("dict enumerate filter getattr iter list map max min reversed set sorted tuple vars zip dir")
"""Change nothing, and may give back what they are given."""
SORTING_BUILTINS = _words("max min sorted")
"""Give back what they are given, but not the function by which they order it."""
ITERATORS = _words("enumerate filter iter map reversed zip open")
"""Builtins whose result is used up as it is read."""
ATOMIC = _words("abs all any bool chr float hash hex int isinstance len ord repr round str bytes callable")
"""Builtins that make an unchangeable value."""
OPAQUE_BUILTINS = _words("exec eval compile globals locals __import__ breakpoint input get_ipython reload")
"""What these read and write cannot be known."""
TIMING = _words("time timeit prun")
SETTING_MAGICS = _words("matplotlib config precision load_ext xmode colors autosave env set_env cd pip")
SHOWING_MAGICS = _words("who whos who_ls pwd ls pinfo pinfo2 psource pdoc lsmagic history")
OUTPUT_HISTORY = _words("_ __ ___ In Out _i _ii _iii _oh _ih")
"""What IPython keeps of earlier cells."""

PURE_MODULES = _words(
    """
    pandas numpy scipy statsmodels sklearn matplotlib seaborn plotly altair polars pyarrow sympy networkx xarray math
    cmath statistics json re csv io itertools functools operator collections datetime time calendar decimal fractions
    string textwrap typing dataclasses enum copy hashlib base64 zlib gzip bz2 lzma pickle struct uuid glob pathlib os
    shutil tempfile zipfile tarfile tabulate lxml openpyxl IPython random warnings types abc contextlib numbers heapq
    bisect array html urllib dateutil pytz zoneinfo pprint platform sys secrets unicodedata difflib colorsys joblib
    __future__ collections.abc keyword token locale logging traceback ast notebooks
    """
)
"""Libraries whose functions do not change their arguments, but for those that are named below."""
FRESH_MODULES = _words(
    """
    pandas math cmath statistics json re datetime time calendar decimal fractions string textwrap hashlib base64 uuid
    matplotlib seaborn scipy IPython random os glob shutil warnings zlib struct secrets platform html pprint
    """
)
"""Libraries whose results share nothing with their arguments."""
ATOMIC_MODULES = _words("math cmath statistics re datetime decimal fractions uuid time calendar string zoneinfo")
"""Libraries whose results cannot be changed."""
RESTORING = (
    "catch_warnings",
    "option_context",
    "rc_context",
    "errstate",
    "localcontext",
    "config_context",
    "style.context",
)
"""What these change is as before at the end of their `with`."""
OPAQUE_MODULES = _words(
    """
    subprocess threading multiprocessing concurrent asyncio ctypes importlib inspect gc builtins code runpy signal
    atexit socket sched queue
    """
)
OPAQUE_FUNCTIONS = (
    "os.system",
    "os.popen",
    "os.fork",
    "os.exec",
    "os.spawn",
    "os.kill",
    "sys.settrace",
    "sys.setprofile",
    "sys._getframe",
    "sys.modules",
    "sys.exit",
    "IPython.get_ipython",
    "IPython.core",
)
SETTINGS = (
    "warnings.",
    "pandas.set_option",
    "pandas.reset_option",
    "pandas.options",
    "pandas.plotting.register",
    "numpy.set_printoptions",
    "numpy.seterr",
    "matplotlib.use",
    "matplotlib.rc",
    "matplotlib.style",
    "matplotlib.pyplot.style",
    "matplotlib.pyplot.rc",
    "matplotlib.pyplot.ion",
    "matplotlib.pyplot.ioff",
    "matplotlib.pyplot.switch_backend",
    "matplotlib.pyplot.set_cmap",
    "seaborn.set",
    "seaborn.reset",
    "os.chdir",
    "os.putenv",
    "os.environ",
    "os.umask",
    "sys.path",
    "sys.setrecursionlimit",
    "locale.setlocale",
    "logging.",
    "decimal.getcontext",
    "decimal.setcontext",
    "plotly.io",
    "altair.data_transformers",
    "altair.renderers",
    "altair.themes",
    "time.tzset",
    "sklearn.set_config",
    "xarray.set_options",
    "IPython.display.set",
)
"""What changes how every later cell computes or shows, by the beginning of its name."""
RANDOM = ("random.", "numpy.random.")
GENERATORS = _words("default_rng RandomState Random SystemRandom Generator PCG64 SeedSequence")
"""Make a source of random numbers of their own."""
DRAWS = _words(
    """
    sample train_test_split cross_val_score cross_validate cross_val_predict permutation_importance shuffle
    bootstrap permutation_test fit fit_transform fit_predict GridSearchCV RandomizedSearchCV learning_curve
    validation_curve rvs monte_carlo_test mutual_info_classif mutual_info_regression
    """
)
"""Draw from NumPy's shared generator unless they are given one, or a seed."""
SEEDS = _words("random_state rng seed generator")
CHANGING = (
    "numpy.put",
    "numpy.copyto",
    "numpy.place",
    "numpy.fill_diagonal",
    "heapq.",
    "bisect.insort",
    "random.shuffle",
    "numpy.random.shuffle",
    "json.dump",
    "pickle.dump",
    "csv.writer",
    "csv.DictWriter",
    "sys.stdout",
    "sys.stderr",
)
"""Functions of the libraries above that change what they are given, by the beginning of their name."""
USED_UP = (
    "itertools.",
    "re.finditer",
    "csv.",
    "os.scandir",
    "os.walk",
    "glob.iglob",
    "numpy.nditer",
    "json.JSONDecoder",
    "zipfile.",
    "tarfile.",
    "gzip.open",
    "bz2.open",
    "io.",
)
"""Functions of the libraries above whose result is used up as it is read."""
RESULT_KEYWORDS = _words("out ax axes cax fig buf file where_out")
"""Arguments that a function writes into."""

READERS = _words(
    """
    read_csv read_table read_excel read_parquet read_json read_feather read_pickle read_fwf read_sql read_html read_xml
    read_stata read_spss read_sas read_hdf read_orc loadtxt genfromtxt load fromfile imread memmap read_text read_bytes
    open ExcelFile ZipFile read_ipc scan_csv scan_parquet read_once
    """
)
WRITERS = _words(
    """
    to_csv to_excel to_parquet to_json to_feather to_pickle to_hdf to_html to_latex to_markdown to_stata to_orc to_xml
    to_sql savefig save savetxt savez savez_compressed write_text write_bytes write_csv write_parquet write_html
    write_image write_json imsave tofile to_file ExcelWriter dump open to_clipboard
    """
)
FOLDERS = _words(
    """
    glob iglob rglob listdir scandir walk iterdir exists is_file is_dir getsize getmtime stat disk_usage isfile isdir
    """
)
FILE_CHANGES = _words(
    """
    remove unlink rename replace makedirs mkdir rmdir removedirs rmtree copy copy2 copyfile copytree move touch symlink
    link truncate extractall extract make_archive unpack_archive NamedTemporaryFile TemporaryDirectory mkstemp mkdtemp
    """
)
"""Functions of os, shutil, pathlib, tempfile, zipfile and tarfile that change files."""
PATH_CHANGES = _words("unlink rmdir mkdir touch symlink_to hardlink_to rmtree")
"""Of these the names that mean nothing else."""
FILE_MODULES = _words("os shutil pathlib tempfile zipfile tarfile glob")
QUERIES = _words("query eval sql execute from_query sqldf read_sql read_sql_query executemany read_database")
"""Take the names of values in a text."""

PURE_METHODS = _words(
    """
    abs add_prefix add_suffix agg aggregate align all any apply argmax argmin argpartition argsort as_integer_ratio
    as_unit asfreq asof assign astimezone astype at_time autocorr between between_time bfill bit_count bit_length
    capitalize case_when casefold cat ceil center choose clip combine combine_first compare compress conj conjugate
    contains convert_dtypes copy corr corrwith count cov ctime cumcount cummax cummin cumprod cumsum date day_name
    decode describe diagonal diff difference div divide divmod dot drop drop_duplicates droplevel dropna dst dt dumps
    duplicated encode endswith eq equals ewm expanding expandtabs explode extract extractall factorize ffill fillna
    filter find findall first first_valid_index flatten floor floordiv format format_map fromisoformat fromkeys
    fullmatch ge get get_dummies get_group get_indexer get_level_values get_loc groupby gt head hex idxmax idxmin index
    infer_objects info interpolate intersection is_integer isalnum isalpha isascii isdecimal isdigit isdisjoint
    isidentifier isin islower isna isnull isnumeric isocalendar isoformat isoweekday isprintable isspace issubset
    issuperset istitle isupper item items iterrows itertuples join keys kurt kurtosis last last_valid_index le len
    ljust lower lstrip lt map mask match max mean median melt memory_usage merge min mod mode month_name mul multiply
    ne ngroup nlargest nonzero normalize notna notnull nsmallest nunique ohlc pad pct_change pipe pivot pivot_table pow
    prod product quantile radd rank ravel rdiv rdivmod reindex reindex_like removeprefix removesuffix rename
    rename_axis reorder_levels repeat resample reset_index reshape rfind rfloordiv rindex rjust rmod rmul rolling round
    rpartition rpow rsplit rstrip rsub rtruediv searchsorted select_dtypes sem set_axis set_index shift size skew slice
    slice_replace sort_index sort_values split splitlines squeeze stack startswith std str strftime strip strptime sub
    subtract sum swapaxes swapcase swaplevel symmetric_difference tail take time timestamp timetuple title tobytes
    to_dict to_frame to_list to_numpy to_period to_records to_series to_string to_timestamp to_datetime64
    to_pydatetime tolist total_seconds trace transpose truediv truncate tz_convert tz_localize union unique unstack
    upper value_counts values var view weekday where xs zfill group groups groupdict start end span search isclose
    replace predict predict_proba predict_log_proba decision_function score score_samples get_params
    get_feature_names_out
    summary summary2 conf_int get_prediction summary_frame t_test f_test wald_test pvalues params cov_params
    get_influence most_common elements copy_with isnan as_posix joinpath with_suffix with_name relative_to
    """
)
"""Methods that change neither their object nor what they are given."""
FRESH_METHODS = PURE_METHODS - _words(
    """
    get values items keys copy item first last take reshape ravel view transpose squeeze swapaxes diagonal groupby
    rolling resample ewm expanding iterrows itertuples most_common elements get_group pipe apply map filter max min
    fromkeys where choose union difference intersection symmetric_difference
    """
)
"""Of these, the methods whose result shares nothing with their object."""
FRAME_VIEWS = _words("groupby rolling resample ewm expanding loc iloc at iat str dt cat plot sparse pipe attrs flags")
"""What stays tied to the DataFrame or the Series that it was taken from."""
FRAME_CHANGES = _words("pop insert update append extend setdefault clear sort remove isetitem add_categories")
"""Methods that change a DataFrame, or what one of its cells holds."""
OWN_METHODS = _words(
    """
    clear popitem pop discard remove reverse sort difference_update intersection_update symmetric_difference_update
    fill put resize partition setflags setfield itemset byteswap fit fit_transform fit_predict partial_fit set_params
    seed plot scatter bar barh hist hist2d hexbin boxplot violinplot imshow fill_between fill_betweenx axhline axvline
    axhspan axvspan errorbar step stem pie legend grid text annotate tick_params twinx twiny add_subplot subplots
    suptitle tight_layout colorbar invert_yaxis invert_xaxis margins autoscale loglog semilogx semilogy contour
    contourf pcolormesh bar_label hlines vlines axis set set_title set_xlabel set_ylabel set_xlim set_ylim set_xticks
    set_yticks set_xticklabels set_yticklabels set_xscale set_yscale set_aspect set_visible set_facecolor
    subplots_adjust autofmt_xdate update_layout update_traces update_xaxes update_yaxes add_trace add_hline add_vline
    show write writelines writerow writerows close flush read readline readlines seek tell normal integers uniform
    choice random permutation standard_normal poisson binomial exponential gamma beta lognormal multinomial
    multivariate_normal randint rand randn next send
    """
)
"""Methods that change their object and nothing that they are given."""
HOLDING_METHODS = _words("append extend insert add update setdefault appendleft extendleft push put_nowait")
"""Methods that change their object, which from then on holds what it was given."""
