"""Understanding: from a text as typed to its language, intent and entities.

The way of a message::

    clean            safe to store and to hand to Rasa
    LanguageIdentifier   `language` (or null), `language_confidence`, `language_words`
    IntentClassifier     `intent`, `intent_ranking`, `certainty`: sure, unsure or lost
    EntityExtractor      `entities`

Modules: `normalise` (spelling), `numbers`, `dates` and `feasts` (what they mean, in five varieties), `vocabulary` and
`entities` (what a number is), `features` and `concepts` (what the models look at), `linear` (serving a model with
numpy alone), `training` (fitting one with scikit-learn), `calibration` (what a confidence allows), `language` and
`classifier` (the two models, usable without Rasa), `segments` (two requests in one message), `asides` (what only the
dialogue listens for: `topics` of bills, `request_topics`, `communes`, `danger` with its `danger_words`,
`particulars`), `variants` (other spellings of Darija, for training), `examples` (reading `data/nlu/`),
`evaluation` (how well it all understands labelled messages), `components` (Rasa's side), `standins`
(importing Rasa without TensorFlow; import it first).

To teach it:

* A new intent: examples in `data/nlu/<language>/`, 60 or more of each variety, and its name in `domain.yml`.
* A word that it misses: an example if it belongs to one intent; `lexicon/concepts.yml` if it means the same as
  others there; `vocabulary` if it says what a number is.
* A new language: examples with `metadata: {language: …}`, number words in `numbers`, month and day names in
  `dates`, its words in the lexicon, its code in `language.LANGUAGES`.

Serving imports neither scikit-learn nor scipy; models are JSON and numpy arrays, never pickles.
"""
