"""Where people come from and what people from there are called: short lists of common names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """Names of a part of the world and the birthplaces (Belfiore codes, weighted) of people from there."""

    birthplaces: tuple[tuple[str, int], ...]
    women: tuple[str, ...]
    men: tuple[str, ...]
    surnames: tuple[str, ...]


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.replace("_", " ") for name in text.split())


#: Hospitals of the area first; then where Lombardy's internal migrants came from.
ITALY_BIRTHPLACES = (
    *(
        ("L682", 26),
        ("L319", 20),
        ("B300", 10),
        ("D869", 7),
        ("I441", 7),
        ("F205", 9),
        ("C933", 4),
        ("B157", 1),
    ),
    *(("F839", 3), ("G273", 3), ("C351", 2), ("H224", 2), ("D643", 2), ("A662", 2), ("L219", 1), ("H501", 1)),
)
ITALIAN_SURNAMES = _names(
    "Rossi Colombo Bianchi Ferrari Galli Crespi Brambilla Villa Riva Fontana Caccia Castiglioni"
    " Macchi Bianchini Zocchi Broggi Cattaneo Ghiringhelli Maroni Bernasconi Pozzi Sala Mariani Monti"
    " Conti Moretti Beretta Ferri Longoni Mazzucchelli Rimoldi Carnelli Binda Vanoni Uslenghi"
    " Guzzetti Ceriani Airoldi Banfi Borsani Cozzi Esposito Russo Romano Marino Greco Bruno Gallo"
    " Costa Giordano Rizzo Lombardi Barbieri Caruso Ferrara De_Luca D'Angelo D'Amico Lo_Presti"
    " La_Rosa Di_Stefano De_Rosa Dell'Acqua Nicolò Forlì Cantù Dal_Molin Zanetti Furlan Visentin"
    " Zambon Tosi Piccoli Parisi Leone Messina Vitale Amato Serra Piras Sanna Melis Fo Re"
)
#: By generation: born before 1950, before 1980, before 2000, and since.
ITALIAN_WOMEN = (
    _names(
        "Maria Angela Giuseppina Luigia Rosa Teresa Carla Pierina Antonietta Ernesta Bruna Rita Ida Lina"
        " Adele Emilia Piera Franca Giovanna Ines Wanda Irma Vittoria Caterina Anna_Maria"
    ),
    _names(
        "Anna Paola Daniela Patrizia Laura Antonella Lucia Silvia Roberta Cinzia Tiziana Marina Elena"
        " Donatella Nadia Monica Cristina Barbara Lorella Ornella Sabrina Manuela Raffaella Simona"
        " Maria_Grazia"
    ),
    _names(
        "Chiara Francesca Sara Valentina Federica Alessia Giulia Martina Elisa Ilaria Silvia Veronica"
        " Serena Arianna Jessica Debora Greta Marta Noemi Eleonora Camilla Beatrice Irene Erica Alice"
    ),
    _names(
        "Sofia Aurora Giulia Ginevra Alice Emma Giorgia Beatrice Greta Matilde Anna Vittoria Camilla"
        " Ludovica Bianca Nicole Gaia Mia Viola Azzurra Chloe Zoe Adele Cecilia Nina"
    ),
)
ITALIAN_MEN = (
    _names(
        "Giuseppe Mario Luigi Angelo Carlo Giovanni Pietro Ernesto Antonio Franco Aldo Bruno Gino Enrico"
        " Ambrogio Battista Felice Renato Sergio Vittorio Italo Egidio Natale Cesare Gian_Piero"
    ),
    _names(
        "Roberto Marco Paolo Massimo Stefano Claudio Giorgio Maurizio Fabio Andrea Luca Walter Daniele"
        " Alberto Gianluca Fabrizio Ivano Tiziano Dario Flavio Moreno Ivan Silvano Gianfranco Giancarlo"
    ),
    _names(
        "Alessandro Matteo Andrea Davide Simone Federico Luca Marco Stefano Francesco Riccardo Lorenzo"
        " Mattia Nicolò Daniele Michele Filippo Samuele Christian Gabriele Manuel Omar Kevin Denis"
        " Giacomo"
    ),
    _names(
        "Leonardo Francesco Tommaso Edoardo Alessandro Lorenzo Mattia Gabriele Riccardo Andrea Diego"
        " Nicolò Matteo Giuseppe Federico Antonio Enea Samuele Giovanni Pietro Filippo Davide Elia Noah"
        " Liam"
    ),
)
FOREIGN: tuple[tuple[Origin, int], ...] = (
    (
        Origin(
            (("Z129", 6), ("Z140", 2), ("Z138", 3)),
            _names("Elena Mihaela Oksana Ioana Natalia Svitlana Cristina Andreea Olena Gabriela Ana Tetiana"),
            _names("Andrei Ion Mihai Vasile Oleksandr Florin Viktor Ionuț Serhij Marian Bogdan Ștefan"),
            _names(
                "Popescu Ionescu Rusu Munteanu Shevchenko Kovalenko Ceban Dumitru Stoica Melnyk"
                " Țurcanu Bondar"
            ),
        ),
        26,
    ),
    (
        Origin(
            (("Z100", 1),),
            _names("Elona Mirela Albana Teuta Valbona Drita Anila Ermira"),
            _names("Arben Gëzim Ilir Besnik Artan Luan Fatmir Edmond"),
            _names("Hoxha Shehu Gjoka Leka Prifti Çela Dervishi Marku"),
        ),
        16,
    ),
    (
        Origin(
            (("Z330", 5), ("Z336", 3), ("Z352", 2), ("Z343", 2)),
            _names("Fatima Khadija Aicha Nadia Samira Mariam Hanane Latifa Awa Zineb Salma Amina"),
            _names("Mohamed Ahmed Youssef Hassan Mamadou Karim Mustapha Abdel Ibrahim Said Omar Rachid"),
            _names(
                "El_Amrani Benali Alaoui Haddad Diop Ndiaye Mansour Ben_Salah Idrissi Fall El_Sayed Trabelsi"
            ),
        ),
        24,
    ),
    (
        Origin(
            (("Z611", 3), ("Z605", 3), ("Z602", 1)),
            _names("Carmen Rosa Luz_Maria Beatriz Juana Patricia Mercedes Flor"),
            _names("Luis Jorge Carlos Juan José Miguel Ángel Víctor"),
            _names("Quispe Flores García Rodríguez Mamani Sánchez Vásquez Muñoz Castillo Da_Silva"),
        ),
        12,
    ),
    (
        Origin(
            (("Z236", 4), ("Z249", 2), ("Z222", 2), ("Z209", 1), ("Z216", 2), ("Z210", 2)),
            _names("Ayesha Fatema Priya Nimali Maricel Li_Na Sunita Rukhsana Xiu_Ying Jasmine"),
            _names("Muhammad Imran Rahman Sandeep Nuwan Reynaldo Wei Gurpreet Jun Jie"),
            _names("Khan Singh Hossain Begum Perera Santos Chen Hu Wang Ali Kaur Fernando"),
        ),
        16,
    ),
    (
        Origin(
            (("Z133", 4), ("Z112", 2), ("Z110", 2)),
            _names("Claudia Ursula Sophie Nicole Brigitte Hélène"),
            _names("Jürgen Thomas François Björn Pierre Günther"),
            _names("Müller Schäfer Weiß Dubois Lefèvre Keller"),
        ),
        6,
    ),
)
STREETS = _names(
    "Via_Roma Via_Garibaldi Via_Mazzini Via_Matteotti Via_Verdi Via_Manzoni Via_Dante Via_Cavour"
    " Via_Volta Via_Marconi Via_Milano Via_Varese Via_Como Via_Olona Via_dei_Mulini Via_delle_Vigne"
    " Via_ai_Boschi Via_del_Castello Via_San_Rocco Via_Santo_Stefano Via_Don_Minzoni"
    " Via_Papa_Giovanni_XXIII Via_XXV_Aprile Via_IV_Novembre Via_Gramsci Via_Kennedy Via_Carducci"
    " Via_Leopardi Via_Petrarca Vicolo_Corto Piazza_Libertà Piazza_Mazzini"
)
